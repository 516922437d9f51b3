//! The durable outbox: what was accepted is never lost. No input or output in here.
//!
//! An [`Entry`] is an event, its subject, and the names of its receivers. Enqueued, it becomes one delivery for each receiver, and
//! each delivery ends in exactly one of three states: delivered, dead (with the reason), or discarded (expired, superseded, removed
//! by a person). At any time
//!
//! > enqueued = delivered + dead + discarded + waiting + in flight
//!
//! holds in [`Counts`].
//!
//! A [`Store`] keeps the deliveries. [`MemoryStore`] keeps them in this process; a store in a database keeps them
//! through a crash. [`suite`] checks any store, also one of your own. A worker claims deliveries under a lease, sends them, and
//! settles them; [`Settlement::of`] decides what an answer means for the delivery and for its receiver:
//!
//! * The receiver rejects the event: the delivery is dead.
//! * The receiver rejects the sender, or cannot be used (credentials, keys, TLS, an unknown name): the receiver is paused and
//!   probed, and no attempt is spent.
//! * The receiver is unreachable or fails: the delivery is retried with exponential backoff; after several failures in a row, the
//!   receiver is paused.
//! * The receiver asks for time: the receiver waits, and no attempt is spent.

mod content;
mod entry;
mod failure;
mod handle;
mod health;
mod memory;
mod notifier;
mod receiver_state;
mod record;
mod schedule;
mod seal;
mod settlement;
mod staged;
mod store;
mod stored;
mod streams;
mod subject_keys;
pub mod suite;

pub(crate) use content::Content;
pub use entry::{Entry, Priority};
pub use failure::{Failure, Fault};
pub use handle::{Checked, Outbox};
pub use health::StoreHealth;
pub use memory::{MemoryStore, WhenFull};
pub use notifier::{Changed, Notifier, StreamNotifiers};
pub use receiver_state::{Alert, Mode, ReceiverState, Status};
pub use record::{
    Attempt, Counts, Cursor, Discard, Filter, History, Pruned, ReceiverRecord, Record, Replay, Retention,
    State,
};
pub use schedule::Schedule;
pub use seal::{Seal, Tag};
pub use settlement::{Next, Outcome, Settlement};
pub use store::{
    Claim, Claimed, Claims, Enqueued, Frozen, Lease, Message, MessageDelivery, Payload, Settled, Store,
    fresh_jti,
};
pub use streams::{
    Acknowledgement, Created, Poll, Polled, Publication, Published, STREAM_PREFIX, StreamRecord, StreamStore,
    stream_receiver,
};
pub use subject_keys::SubjectKeys;
