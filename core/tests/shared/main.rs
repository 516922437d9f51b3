//! The test vectors that all languages run: `tests/vectors/`.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "client")]
#[path = "../server/mod.rs"]
mod server;

mod access_tokens;
mod config;
mod conformance;
mod events;
mod explain;
mod jwks;
mod key_sources;
mod keys;
mod lint;
mod okta;
mod okta_log;
mod records;
mod rotation;
mod sets;
mod settings;
mod setup;
mod signed;
mod stream_api;
mod subjects;
mod surface;
mod values;
