//! Send OpenID Shared Signals: signed Security Event Tokens (SETs, RFC 8417) to Okta, GOV.UK One Login and any receiver
//! with an RFC 8935 push endpoint.
//!
//! ```no_run
//! use ssf_transmitter::{KeyType, Receiver, SigningKey, Subject, Timestamp, Transmitter, event::okta, event::OktaRiskLevel};
//!
//! # async fn example() -> Result<(), ssf_transmitter::Error> {
//! let key = SigningKey::generate(KeyType::Rsa2048)?;
//! let transmitter = Transmitter::builder("https://edr.example.com", key).build()?;
//! let receiver = Receiver::okta("https://acme.okta.com").build()?;
//!
//! let event = okta::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, Timestamp::now())
//!     .with_reason_admin("en", "Impossible travel");
//! let receipt = transmitter.emit(event, Subject::email("ada@example.com"), &receiver).await?;
//! println!("{} delivered with status {}", receipt.jti(), receipt.status());
//! # Ok(())
//! # }
//! ```
//!
//! # Data flow
//!
//! [`Event`] and [`Subject`] become an [`UnsignedSet`] (shaped for the receiver's [`Dialect`] and checked), that becomes
//! a [`SignedSet`], and delivery turns that into a [`Receipt`]. One type per station: an unsigned SET cannot be sent.
//!
//! [`lint`] checks each SET before it is sent, and [`explain`] tells you what an answer means; [`Transmitter::doctor`] checks a whole
//! setup.
//!
//! # Features
//!
//! * `client` (default): [`Transmitter`], [`Receiver`] and [`OktaProviders`], HTTP with reqwest on tokio. Without it the
//!   crate is an engine without sockets, clock or runtime: build and sign SETs, and drive [`delivery::Delivery`] over a
//!   stack of your own.

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod access_token;
mod audience;
mod base64;
pub mod catalogue;
mod checks;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
pub mod config;
pub mod conformance;
pub mod delivery;
pub mod denial;
pub mod dialect;
pub mod error;
pub mod event;
pub mod explain;
mod finding;
pub mod http;
pub mod jose;
pub mod json;
pub mod key;
pub mod lint;
mod lookalike;
pub mod metadata;
mod near;
pub mod okta;
pub mod outbox;
mod pem;
mod random;
mod rate;
mod reason;
mod retry;
pub mod secret;
pub mod set;
pub mod stream;
pub mod subject;
pub mod time;
pub mod token;
mod web;

#[cfg(feature = "client")]
pub use client::{Network, OktaProviders, Receiver, Transmitter};
pub use delivery::Receipt;
pub use dialect::Dialect;
pub use error::{Error, ErrorCode, ErrorKind, Result};
pub use event::{CustomEvent, Event};
pub use jose::{Algorithm, Jwks, PublicKey, Signature};
#[cfg(feature = "client")]
pub use key::KeySource;
pub use key::{KeySet, KeyType, Signer, SigningKey};
pub use metadata::TransmitterConfiguration;
pub use set::{SetBuilder, SignedSet, UnsignedSet};
pub use subject::{ComplexSubject, Subject};
pub use time::Timestamp;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/okta.md")]
struct OktaGuide;

#[cfg(doctest)]
#[doc = include_str!("../docs/lint.md")]
struct LintGuide;

#[cfg(doctest)]
#[doc = include_str!("../docs/outbox.md")]
struct OutboxGuide;

#[cfg(doctest)]
#[doc = include_str!("../docs/configuration-file.md")]
struct ConfigGuide;

#[cfg(doctest)]
#[doc = include_str!("../docs/transmitter-access.md")]
struct AccessGuide;
