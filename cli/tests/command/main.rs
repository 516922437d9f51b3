//! The command `ssf` as a program.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

#[path = "../../../emulator/tests/common/mod.rs"]
mod common;
#[path = "../program/mod.rs"]
mod program;
#[path = "../../../store-postgres/tests/common/server.rs"]
mod server;

mod config;
mod confirm;
mod doctor;
mod emit;
mod emulate;
mod event;
mod event_new;
mod guides;
#[cfg(unix)]
mod init;
mod json;
mod key;
mod key_rotate;
mod keys;
mod library_walk;
mod lint;
mod names;
mod okta;
mod outbox;
mod outbox_database;
mod outbox_work;
mod page;
mod publish;
mod receiver;
mod receiver_copy;
mod receiver_page;
mod send;
mod set;
mod set_diff;
mod settings;
mod shape;
#[cfg(unix)]
mod terminal;
mod transmitter;
mod transmitter_secrets;
mod values;
mod vectors;
