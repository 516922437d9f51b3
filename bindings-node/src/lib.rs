//! The native part of the npm package `ssf-transmitter`. It is private: the package is in `ts/`.
//!
//! It converts, calls the core, and converts back. Events and subjects come as JSON text; what goes wrong is returned
//! as a [`failure::Failure`], from which `ts/errors.ts` makes exceptions. What takes time runs on the [`runtime`], and
//! its result comes through the [`mailbox`].

#![cfg_attr(test, allow(dead_code, reason = "napi registers nothing in a build for tests"))]

mod access;
mod config;
mod conformance;
mod deliveries;
mod emission;
mod entries;
mod failure;
mod key;
mod key_source;
mod lint;
mod mailbox;
mod metadata;
mod names;
mod network;
mod okta;
mod okta_log;
mod opener;
mod outbox;
mod passwords;
mod pending;
mod policy;
mod receiver;
mod records;
mod runtime;
mod sets;
mod signer;
mod stream_calls;
mod streams;
mod transmitter;
mod worker;

use napi_derive::napi;

/// Runs whenever a thread of JavaScript loads the module, and keeps it loaded until the process ends: what `build.rs` asks
/// of the linker on Linux, for every system.
#[napi(module_exports)]
pub fn stay_loaded() {
    napi::bindgen_prelude::retain_current_module_for_unload_safety();
}

/// What one thread allocates here another frees, for which the threads wait for each other in the allocator of glibc: a sixth
/// of the processor time went there where ES256 signs. It is replaced in this library alone; Node.js keeps its own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
