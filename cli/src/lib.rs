//! The library behind the command `ssf`.
//!
//! [`receiver`] is public so that tests written in Rust can run a receiver in their own process; the command
//! starts the same one for everybody else.

pub mod receiver;
