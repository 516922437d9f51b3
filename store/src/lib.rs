//! The durable outbox of [`ssf_transmitter`] in an SQLite file: what was accepted survives a crash and a power cut.
//!
//! ```no_run
//! use ssf_transmitter::{Subject, event::caep, outbox::{Entry, Outbox}};
//! use ssf_transmitter_store::SqliteStore;
//!
//! # async fn example() -> Result<(), ssf_transmitter::Error> {
//! let outbox = Outbox::new(SqliteStore::open("/var/lib/app/outbox.db")?);
//! let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
//! outbox.enqueue(entry).await?; // on the disk
//! # Ok(())
//! # }
//! ```
//!
//! The file belongs to this library alone. Any other program that opens it, and any other copy of SQLite in the process, may damage
//! it; so does a backup tool that copies the file while it is open. [`SqliteStore::backup`] copies it.

mod backup;
mod builder;
mod codec;
mod connection;
mod failed;
#[cfg_attr(not(target_os = "linux"), path = "no_guard.rs")]
mod guard;
mod identity;
mod job;
mod ledger;
mod lock;
mod place;
mod process;
mod reader;
mod room;
mod salvage;
mod schema;
mod store;
mod streams;
mod writer;

pub use builder::{Around, Builder};
pub use salvage::Salvaged;
pub use store::SqliteStore;

#[doc(hidden)]
pub use ledger::{claim_statements, poll_statements, publish_statements};
