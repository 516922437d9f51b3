//! The outbox of several processes that are killed, stopped and crash: each acknowledged event arrives, and has one effect.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test may fail")]

#[path = "../../../store/tests/common/child.rs"]
mod child;
#[path = "../../../store/tests/common/mod.rs"]
mod common;
mod crashes;
mod crowd;
mod kills;
mod leases;
mod polls;
#[path = "../power/random.rs"]
mod random;
#[path = "../support/rounds.rs"]
mod rounds;
mod world;

impl world::World {
    /// Opens the outbox in the file of the world.
    fn open(&self) -> ssf_transmitter_store::SqliteStore {
        ssf_transmitter_store::SqliteStore::open(self.file()).unwrap()
    }
}
