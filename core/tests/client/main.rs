//! The client, against real servers on the loopback interface.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../net/mod.rs"]
mod net;
#[path = "../server/mod.rs"]
mod server;

mod authenticator;
mod authenticator_cases;
mod bodies;
mod delivery;
mod doctor;
mod doctor_shared;
mod guides;
mod key_sources;
mod lint_policy;
mod okta;
mod proxy;
mod resilience;
mod source_address;
mod stream_push;
mod tls;
mod tokens;
mod worker;
