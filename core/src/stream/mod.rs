//! The transmitter's side of the stream API (OpenID SSF 1.0 §7 and §8, RFC 8936). No sockets in here: any server can carry it.
//!
//! A receiver creates a stream, and gets its events there: it polls for them, or a worker sends them. [`StreamApi`] answers its
//! requests, and [`StreamApi::publish`] gives an event to every stream that wants it. Streams and their deliveries are in a
//! [`StreamStore`](crate::outbox::StreamStore).
//!
//! A server that mounts the API does this with each request:
//!
//! 1. It gives the [`Head`] to [`StreamApi::admit`], which answers at once or tells how much of the body to read.
//! 2. It gives the body to [`Call::respond`], and writes the [`Answer`]. With an external key and no [`Signer`](crate::Signer) that could be
//!    called, it gives the body to [`Call::step`], signs, and gives the signatures to [`Signing::finish`].
//!
//! `admit` finds out who calls with an [`Authenticate`] of the settings. A server that does so itself calls [`StreamApi::begin`] with what it
//! knows: a [`Caller`], or the [`Authentication`] of one that shows nothing or nothing valid.

mod api;
mod audit;
mod authenticate;
mod builder;
mod call;
mod caller;
mod canary;
mod configuration;
mod exchange;
mod habits;
mod maintain;
mod manage;
mod metadata;
mod poll;
mod problem;
mod publish;
#[cfg(feature = "client")]
mod push;
mod removals;
mod request;
mod route;
mod settings;
mod sign;
mod signing;
mod status;
mod stopping;
mod stored;
mod subjects;
mod verification;
mod waiting;

pub use api::{Begun, StreamApi};
pub use audit::Audit;
pub use authenticate::{Authenticate, ProtectedResource};
pub use builder::StreamApiBuilder;
pub use call::Call;
pub use caller::{Authentication, Caller, Scope};
pub use exchange::{Answer, Head, Timer};
pub use maintain::{Maintained, StreamHealth};
#[cfg(feature = "client")]
pub(crate) use push::PushTarget;
pub use signing::{Signing, Step};
pub use stopping::Stop;

pub use crate::rate::RateLimit;
