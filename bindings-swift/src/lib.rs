//! The native part of the Swift package `SSFTransmitter`. It is private: the package is what stands in `Sources/`.
//!
//! It converts, calls the core, and converts back. Events and subjects come as JSON text, points and spans of time as
//! seconds, and all are checked here: what Swift's own converters do with a negative span or a date that is no number is to
//! end the process. What goes wrong is a [`failure::Failure`], from which `SSFError.swift` makes errors.

mod cancellation;
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
mod pending;
mod policy;
mod receiver;
mod records;
mod runtime;
mod sets;
mod transmitter;

uniffi::setup_scaffolding!();
