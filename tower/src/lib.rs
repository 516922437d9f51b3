#![doc = include_str!("../README.md")]

mod service;
mod timer;

pub use service::{AuthenticateFn, StreamService};
pub use timer::{ShutdownTimer, TokioTimer};

#[cfg(doctest)]
#[doc = include_str!("../../docs/transmitter.md")]
struct TransmitterGuide;
