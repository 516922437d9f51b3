//! Okta's SSF Receiver API, by which an org is told whose SETs to take: requests and answers as values. No input or output
//! in here; [`client::OktaProviders`](crate::client::OktaProviders) drives it, another HTTP stack can do so too.
//!
//! Source: Okta Management API 2026.06.3, tag `SSFReceiver`. What the org then does with SETs is in its System Log:
//! [`Confirmation`] looks there.
//!
//! ```
//! use ssf_transmitter::{Timestamp, http::Response, okta::{NewProvider, ProviderSettings, ProvidersApi}};
//!
//! # fn send(_: &ssf_transmitter::http::Request) -> Response {
//! #     let body = r#"{ "id": "sse1", "name": "EDR", "type": "edr", "status": "ACTIVE", "settings": {} }"#;
//! #     Response::new(200, [], body.into())
//! # }
//! let settings = ProviderSettings::well_known("https://edr.example.com/.well-known/ssf-configuration");
//! let api = ProvidersApi::new("https://acme.okta.com")?;
//! let mut call = api.create(&NewProvider::new("EDR", "edr", settings))?;
//! let answer = send(&call.request("SSWS 00abc".into()));
//! let provider = call.answered(Timestamp::now(), &answer)?;
//! assert_eq!(provider.id(), "sse1");
//! # Ok::<(), ssf_transmitter::Error>(())
//! ```

mod api;
mod call;
mod calling;
mod error;
mod link;
mod log;
mod provider;

pub use api::{Page, ProvidersApi};
pub use call::Call;
pub use calling::Calling;
pub use error::ApiError;
pub use log::{
    Cause, CauseKind, Certainty, ConfirmAction, ConfirmInput, Confirmation, LogApi, LogEntity, LogEvent,
    LogPage, LogQuery, RECEIVE_EVENT, RISK_DETECT, Reception, ReceptionOutcome, Sent,
};
pub use provider::{NewProvider, ProviderSettings, ProviderStatus, SecurityEventsProvider};
