//! The transmitter's side of the stream API (OpenID SSF 1.0 §7 and §8, RFC 8936). No input or output in here.

mod caller;

pub use caller::{Caller, Scope};
