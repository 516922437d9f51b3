//! The outbox in PostgreSQL, from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

#[path = "../common/mod.rs"]
mod common;

mod agreement;
mod closing;
mod conformance;
mod crash;
mod group;
mod inbox;
mod overlaps;
mod pgbouncer;
mod prepared;
mod roles;
mod schema;
mod tls;
mod upgrade;
mod workers;
