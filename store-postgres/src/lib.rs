//! The durable outbox of [`ssf_transmitter`] in a PostgreSQL database: several machines share it.
//!
//! ```no_run
//! use ssf_transmitter::{Subject, event::caep, outbox::{Entry, Outbox}};
//! use ssf_transmitter_postgres::PostgresStore;
//!
//! # async fn example() -> Result<(), ssf_transmitter::Error> {
//! let outbox = Outbox::new(PostgresStore::connect("postgresql://outbox@db.example.com/app").await?);
//! let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
//! outbox.enqueue(entry).await?; // committed
//! # Ok(())
//! # }
//! ```
//!
//! The store also keeps the streams of a [`StreamApi`](ssf_transmitter::stream::StreamApi): several servers share them.
//!
//! [`Builder::migrate`] creates the tables, or [`PostgresStore::schema_sql`] returns them as SQL for a migration tool of your own.

mod builder;
mod codec;
mod connection;
mod failed;
mod inbox;
mod ledger;
mod manager;
mod process;
mod queue;
mod schema;
mod session;
mod settings;
mod signals;
mod store;
mod streams;
mod tls;
mod values;

pub use builder::Builder;
pub use inbox::{Inbox, ParamStyle, Refused, Statement};
pub use store::PostgresStore;
