//! The outbox of several processes in one database: processes, connections and the server itself are killed, and clocks differ.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

#[path = "../../../store/tests/common/child.rs"]
mod child;
#[path = "../../../store/tests/common/mod.rs"]
mod common;
mod crowd;
mod database;
mod kills;
#[path = "../power/random.rs"]
mod random;
#[path = "../support/rounds.rs"]
mod rounds;
#[path = "../../../store-postgres/tests/common/server.rs"]
mod server;
mod skew;
#[path = "../outbox/world.rs"]
mod world;
