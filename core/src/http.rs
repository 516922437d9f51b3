//! HTTP as plain values: what to send, what came back. No client in here; any HTTP stack can carry them.

mod endpoint;
mod failure;
mod refusal;
mod request;
mod response;

pub use failure::Failure;
pub use refusal::Refusal;
pub use request::{MAX_ANSWER, Method, Request};
pub use response::{BodyEnd, Response};

pub(crate) use endpoint::Endpoint;
pub(crate) use request::Body;
#[cfg(feature = "client")]
pub(crate) use response::RATE_LIMIT_RESETS;
