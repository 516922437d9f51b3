//! The native part of the Swift package `SSFTransmitter`. It is private: the package is in `Sources/`.
//!
//! It converts, calls the core, and converts back. Events and subjects come as JSON text, times and durations as
//! seconds, and all are checked here: Swift's own converters end the process on a negative duration or an invalid
//! date. Errors cross as [`failure::Failure`], which `SSFError.swift` converts.

mod cancellation;
mod config;
mod conformance;
mod emission;
mod failure;
mod key;
mod key_source;
mod lint;
mod metadata;
mod network;
mod okta;
mod okta_log;
mod outbox;
mod outbox_records;
mod pending;
mod policy;
mod receiver;
mod records;
mod runtime;
mod sets;
mod transmitter;
mod worker;

uniffi::setup_scaffolding!();
