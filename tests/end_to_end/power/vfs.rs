//! The layer between SQLite and its files, through which the simulated disk sees each change. Everything else is done by the layer
//! below, which SQLite would use.

#![allow(unsafe_code, reason = "SQLite takes its file layer as a table of C functions")]

use std::{
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    ptr,
    sync::Once,
};

use rusqlite::ffi::{
    SQLITE_FULL, SQLITE_IOERR, SQLITE_OK, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
    sqlite3_vfs_find, sqlite3_vfs_register,
};

use super::disk::{self, Fault};

/// An open file. The file of the layer below follows it in memory.
#[repr(C)]
struct File {
    base: sqlite3_file,
    /// Of a [`PathBuf`]; null for a temporary file.
    path: *mut PathBuf,
}

const SIZE: usize = size_of::<File>();

/// Puts the simulated disk below all files that SQLite opens in this process from now on.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    // SAFETY: the table of the layer below is valid for ever, and so is ours, which is leaked. The layer below looks at the table it is
    // called with only when it opens and removes files, and then it gets its own.
    ONCE.call_once(|| unsafe {
        let below = sqlite3_vfs_find(ptr::null());
        let mut ours = *below;
        ours.szOsFile += c_int::try_from(SIZE).unwrap();
        ours.pNext = ptr::null_mut();
        ours.zName = c"power".as_ptr();
        ours.pAppData = below.cast();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        assert_eq!(sqlite3_vfs_register(Box::leak(Box::new(ours)), 1), SQLITE_OK);
    });
}

fn code(outcome: Result<(), Fault>) -> c_int {
    match outcome {
        Ok(()) => SQLITE_OK,
        Err(Fault::PowerOff) => SQLITE_IOERR,
        Err(Fault::Full) => SQLITE_FULL,
    }
}

/// SAFETY of what follows: SQLite calls these functions with the table and the files that they belong to, and with buffers of the lengths
/// that it tells; a file has the size that the table names, so the file of the layer below is behind ours.
unsafe fn path_of<'a>(name: *const c_char) -> &'a Path {
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()))
}

unsafe fn below(file: *mut sqlite3_file) -> *mut sqlite3_file {
    unsafe { file.byte_add(SIZE) }
}

/// Asks the disk about a change of this file.
unsafe fn ask(file: *mut sqlite3_file, ask: impl FnOnce(&Path) -> Result<(), Fault>) -> c_int {
    let path = unsafe { (*file.cast::<File>()).path.as_ref() };
    code(path.map_or(Ok(()), |path| ask(path)))
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    unsafe {
        let ours = file.cast::<File>();
        (*ours).base.pMethods = ptr::null();
        let path = (!name.is_null()).then(|| path_of(name).to_owned());
        let refused = code(path.as_deref().map_or(Ok(()), disk::open));
        if refused != SQLITE_OK {
            return refused;
        }
        let layer = (*vfs).pAppData.cast::<sqlite3_vfs>();
        let opened = (*layer).xOpen.unwrap()(layer, name, below(file), flags, out);
        if opened == SQLITE_OK {
            (*ours).path = path.map_or(ptr::null_mut(), |path| Box::into_raw(Box::new(path)));
            (*ours).base.pMethods = &raw const METHODS;
        }
        opened
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    unsafe {
        let refused = code(disk::remove(path_of(name), sync != 0));
        if refused != SQLITE_OK {
            return refused;
        }
        let layer = (*vfs).pAppData.cast::<sqlite3_vfs>();
        (*layer).xDelete.unwrap()(layer, name, sync)
    }
}

/// Functions that only call the layer below; with a question, if the disk lets them.
macro_rules! methods {
    ($($name:ident($file:ident $(, $argument:ident: $type:ty)*) $(-> $result:ty)? $(, if $question:expr)?;)*) => {
        $(#[allow(non_snake_case, reason = "the names of SQLite")]
        unsafe extern "C" fn $name($file: *mut sqlite3_file $(, $argument: $type)*) $(-> $result)? {
            unsafe {
                $(let refused = ask($file, $question);
                if refused != SQLITE_OK {
                    return refused;
                })?
                let below = below($file);
                (*(*below).pMethods).$name.unwrap()(below $(, $argument)*)
            }
        })*

        static METHODS: sqlite3_io_methods = sqlite3_io_methods {
            iVersion: 2, // without memory maps, whose writes nobody sees
            xClose: Some(close),
            $($name: Some($name),)*
            xFetch: None,
            xUnfetch: None,
        };
    };
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    unsafe {
        let path = (*file.cast::<File>()).path;
        if !path.is_null() {
            drop(Box::from_raw(path));
        }
        let below = below(file);
        (*(*below).pMethods).xClose.unwrap()(below)
    }
}

methods! {
    xRead(file, buffer: *mut c_void, length: c_int, offset: sqlite3_int64) -> c_int;
    xWrite(file, buffer: *const c_void, length: c_int, offset: sqlite3_int64) -> c_int, if |path| {
        let data = std::slice::from_raw_parts(buffer.cast(), usize::try_from(length).unwrap());
        disk::write(path, usize::try_from(offset).unwrap(), data)
    };
    xTruncate(file, length: sqlite3_int64) -> c_int, if |path| disk::truncate(path, usize::try_from(length).unwrap());
    xSync(file, flags: c_int) -> c_int, if disk::sync;
    xFileSize(file, length: *mut sqlite3_int64) -> c_int;
    xLock(file, lock: c_int) -> c_int;
    xUnlock(file, lock: c_int) -> c_int;
    xCheckReservedLock(file, held: *mut c_int) -> c_int;
    xFileControl(file, operation: c_int, argument: *mut c_void) -> c_int;
    xSectorSize(file) -> c_int;
    xDeviceCharacteristics(file) -> c_int;
    xShmMap(file, page: c_int, size: c_int, extend: c_int, memory: *mut *mut c_void) -> c_int;
    xShmLock(file, offset: c_int, count: c_int, flags: c_int) -> c_int;
    xShmBarrier(file);
    xShmUnmap(file, delete: c_int) -> c_int;
}
