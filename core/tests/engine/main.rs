//! The engine, without the network.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../common/mod.rs"]
mod common;

mod claim_rules;
mod delivery_cases;
mod delivery_properties;
mod dialects;
mod external_signer;
mod keys;
mod metadata;
mod names;
mod outbox;
mod outbox_simulation;
mod properties;
mod redaction;
mod token_cases;
