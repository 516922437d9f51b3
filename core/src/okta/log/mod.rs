//! Okta's System Log: what an org did with the SETs that it took. No input or output in here.
//!
//! Source: Okta Management API 2026.06.3, tag `SystemLog`. That `receive_event` and `risk.detect` are written is documented;
//! what is in them is not, so that entries are matched by whatever they say.

mod api;
mod causes;
mod confirm;
mod confirm_steps;
mod event;
mod matching;
mod reception;
mod sent;

pub use api::{LogApi, LogPage, LogQuery, RECEIVE_EVENT, RISK_DETECT};
pub use causes::CauseKind;
pub use confirm::Confirmation;
pub use confirm_steps::{ConfirmAction, ConfirmInput};
pub use event::{LogEntity, LogEvent};
pub use reception::{Cause, Certainty, Reception, ReceptionOutcome};
pub use sent::Sent;
