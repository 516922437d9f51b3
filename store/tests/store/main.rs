//! The outbox in SQLite, from outside.

#![allow(clippy::unwrap_used, missing_docs, reason = "a test may fail")]

#[path = "../common/child.rs"]
mod child;
#[path = "../common/mod.rs"]
mod common;

mod agreement;
mod backup;
mod conformance;
mod crash;
mod damage;
mod places;
mod plans;
mod reopening;
mod salvaging;
mod sharing;
mod versions;
