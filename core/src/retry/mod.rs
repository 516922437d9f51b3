//! Whether and when to try again: the one kernel behind pushes, token requests and calls of APIs.
//!
//! The class of an error comes from the catalogue ([`ErrorCode::retry`](crate::ErrorCode::retry)); [`Attempts`] turns it into what
//! happens next. No clock and no randomness in here.

mod attempts;
mod budget;
mod policy;

pub(crate) use attempts::{Attempts, Next};
pub(crate) use budget::RetryBudget;
pub use policy::RetryPolicy;
pub(crate) use policy::{Bounds, Jitter};
