//! The library behind the command `ssf`.
//!
//! [`receiver`] and [`publish`] are public so that tests and examples in Rust can run them in their own process; the
//! command starts the same ones for everybody else.

pub mod publish;
pub mod receiver;
