//! Calls into the C API of Python and of the system that have no safe wrapper. The only file of the project with `unsafe`.
#![allow(unsafe_code)]

use pyo3::{ffi, prelude::*};

/// The ID of the main interpreter; subinterpreters have higher ones.
pub(crate) const MAIN_INTERPRETER: i64 = 0;

/// The ID of the interpreter that this thread is attached to.
pub(crate) fn interpreter(_: Python<'_>) -> i64 {
    // SAFETY: both functions require an attached thread, and `Python` proves that this one is.
    unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) }
}

/// Frees what OpenSSL keeps for this thread, which it would do itself at the end of the thread.
pub(crate) fn free_openssl_of_thread() {
    // SAFETY: the declaration is that of `openssl/crypto.h`. OpenSSL makes the state anew where a thread needs it again.
    unsafe extern "C" {
        safe fn OPENSSL_thread_stop();
    }
    OPENSSL_thread_stop();
}

/// Registers handlers for every `fork()` of this process. They run in the forking thread: before the fork, and after it in
/// the parent and in the child. None of them may wait for a lock.
#[cfg(unix)]
pub(crate) fn at_fork(
    before: extern "C" fn(),
    in_parent: extern "C" fn(),
    in_child: extern "C" fn(),
) -> std::io::Result<()> {
    // SAFETY: the handlers live as long as the process, because Python never unloads extension modules.
    match unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) } {
        0 => Ok(()),
        error => Err(std::io::Error::from_raw_os_error(error)),
    }
}
