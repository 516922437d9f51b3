//! A receiver emulator: a real HTTP server that judges SETs the way a known receiver does.
//!
//! It is an independent judge. It shares no code with the SDK that sends the SETs, and its JOSE library is
//! another one, so a mistake there is not repeated here.
//!
//! Tests in Rust run it in their own process. Everybody else runs it as a process of the command `ssf`.
//!
//! ```
//! use ssf_emulator::{Config, Emulator, KeySource, Like};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> ssf_emulator::Result<()> {
//! let keys = KeySource::Jwks(r#"{ "keys": [] }"#.to_owned());
//! let config = Config::new(Like::Rfc8935, "https://edr.example.com", keys, "https://receiver.example.net");
//! let emulator = Emulator::start(config).await?;
//! assert!(emulator.push_url().starts_with("http://127.0.0.1:"));
//! assert!(emulator.ledger().is_empty());
//! emulator.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//! connection ── TLS, HTTP, what goes wrong below them
//! server ── starts and stops a receiver
//! service ── routes a request, writes the ledger
//!   ├─ ledger, arrivals ── what was seen: the facts of it, and the newest in full
//!   ├─ script, faults, plan ── what goes wrong on command, and what that means for a request
//!   ├─ push ── HTTP rules of the push endpoint, then the judge
//!   │    └─ judge ── JWS → issuer → key and signature → claims → events
//!   │         ├─ transmitters     whose SETs are taken, with their keys
//!   │         ├─ jws, keys        JOSE, the JWKS and its cache
//!   │         └─ claims, schema   tables of members, and the one interpreter for them
//!   ├─ token ── the OAuth 2.0 token endpoint
//!   └─ api ── registers transmitters
//!        └─ log ── what the org wrote about SETs
//! profile ── what differs from receiver to receiver, as data
//! publish ── the documents of a transmitter under trial
//! ```

mod answer;
mod api;
mod arrivals;
mod body;
mod claims;
mod clock;
mod config;
mod connection;
mod documents;
mod error;
mod faults;
mod judge;
mod jws;
mod keys;
mod ledger;
mod plan;
mod profile;
mod publish;
mod push;
mod random;
mod received;
mod schema;
mod script;
mod server;
mod service;
mod subject;
mod tls;
mod token;
mod transmitters;

pub use arrivals::{Arrival, Arrivals};
pub use config::{ApiTokens, Client, Config, KeySource, Like, LogSettings};
pub use error::Error;
pub use faults::Faults;
pub use ledger::{Counters, Dropped, Entry, RequestFacts};
pub use publish::Published;
pub use script::{Ends, Fault, RetryAfter, Rule, Script, Status, TlsFault};
pub use server::Emulator;

/// What fallible functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
