//! A receiver emulator: a real HTTP server that judges SETs the way a known receiver does.
//!
//! It is an independent judge. It shares no code with the SDK that sends the SETs, and its JOSE library is
//! another one, so a mistake there is not repeated here.
//!
//! ```text
//! connection ── TLS, HTTP, what goes wrong below them
//! server ── routes a request, writes the ledger
//!   ├─ script, plan ── what goes wrong on command, and what that means for a request
//!   ├─ push ── HTTP rules of the push endpoint, then the judge
//!   │    └─ judge ── JWS → issuer → key and signature → claims → events
//!   │         ├─ transmitters     whose SETs are taken, with their keys
//!   │         ├─ jws, keys        JOSE, the JWKS and its cache
//!   │         └─ claims, schema   tables of members, and the one interpreter for them
//!   ├─ token ── the OAuth 2.0 token endpoint
//!   └─ api ── registers transmitters
//!        └─ log ── what the org wrote about SETs
//! profile ── what differs from receiver to receiver, as data
//! ```

mod answer;
mod api;
mod body;
mod claims;
mod clock;
mod config;
mod connection;
mod documents;
mod error;
mod judge;
mod jws;
mod keys;
mod ledger;
mod plan;
mod profile;
mod push;
mod random;
mod schema;
mod script;
mod server;
mod subject;
mod tls;
mod token;
mod transmitters;

pub use config::{ApiTokens, Client, Config, KeySource, Like, LogSettings};
pub use error::Error;
pub use ledger::{Counters, Dropped, Entry, RequestFacts};
pub use script::{Ends, Fault, RetryAfter, Rule, Script, Status, TlsFault};
pub use server::Emulator;

/// What this module's fallible functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
