//! The operations, each within a transaction. They make the same decisions as the store in memory does, with an index for each
//! question.
//!
//! Who changes deliveries of a receiver locks its row first: so one transaction at a time decides about them. An operation reads rows,
//! changes them in memory, and writes all of them at once.
//!
//! Statements that need nothing of each other are sent together, and awaited with `join!`: once one has failed, the server refuses those
//! after it, so that their errors are only looked at if those before them have none.

mod admit;
mod claim;
mod delivery;
mod due;
mod endings;
mod enqueue;
mod filter;
mod inbox;
mod lane;
mod poll;
mod prune;
mod publish;
mod queries;
mod replay;
mod settle;
pub(crate) mod single;
mod streams;
mod subjects;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ssf_transmitter::{Timestamp, outbox::Attempt};
use tokio_postgres::Row;

pub(crate) use admit::{Admitted, Answers, Call, jtis};
pub(crate) use due::Expire;
pub(crate) use inbox::{ListRefused, TakeOver};
pub(crate) use lane::Change;
pub(crate) use poll::{FrozenOf, PollOnce};
pub(crate) use publish::Publish;
pub(crate) use queries::{Health, List, Past, Receivers, Total};
pub(crate) use replay::Discard;
pub(crate) use settle::{Freeze, Renew, Settle};
pub(crate) use streams::{CreateStream, DeleteStream, FindStream, StreamsAfter, StreamsOf, UpdateStream};
pub(crate) use subjects::SetSubject;

use crate::{connection::Connection, failed::Done, values::Value};
use delivery::{Deliveries, Delivery, New};
use enqueue::Event;
use lane::{Lane, LaneRow};

/// What an operation has asked first.
pub(crate) enum Asked {
    Messages(Answers),
    /// Receivers that are locked: those of which something is due, and those that have a turn.
    Claim {
        due: Vec<Row>,
        turns: Vec<Row>,
    },
    /// Receivers that are locked, and their deliveries.
    Settle {
        receivers: Vec<Row>,
        leased: Vec<Row>,
    },
}

/// What a store is asked to do. It may run more than once: a transaction may have to be repeated.
pub(crate) trait Operation: Sync {
    type Output: Send;

    /// Whether it runs so often that its statements are prepared.
    const OFTEN: bool = false;

    /// Asks what it has to know first, in the round trip that begins the transaction. The time is not known yet, unless a clock of a test
    /// says it.
    fn ask(&self, _: &Connection, _: Option<Timestamp>) -> impl Future<Output = Done<Option<Asked>>> + Send {
        std::future::ready(Ok(None))
    }

    fn run(&self, ledger: &mut Ledger<'_>) -> impl Future<Output = Done<Self::Output>> + Send;
}

/// What is to be written.
pub(crate) struct Changes {
    events: Vec<Event>,
    deliveries: Deliveries,
    lanes: Vec<LaneRow>,
    attempts: Vec<(i64, Attempt)>,
}

/// A transaction.
pub(crate) struct Ledger<'a> {
    connection: &'a Connection,
    now: Timestamp,
    /// What the operation has asked first.
    asked: Option<Asked>,
    /// Receivers that are locked, by id.
    lanes: BTreeMap<i64, Lane>,
    /// Their ids, by name.
    names: HashMap<String, i64>,
    /// Deliveries that were read, by number; all belong to receivers that are locked.
    deliveries: BTreeMap<i64, Delivery>,
    /// Those that differ from their rows.
    changed: BTreeSet<i64>,
    /// Those that have no row yet.
    new: Vec<New>,
    /// Events that have no row yet.
    events: Vec<Event>,
    /// Attempts that have no row yet, with the number of their delivery.
    attempts: Vec<(i64, Attempt)>,
    /// Streams that may be polled now.
    ready_streams: BTreeSet<String>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(connection: &'a Connection, now: Timestamp, asked: Option<Asked>) -> Self {
        Self {
            connection,
            now,
            asked,
            lanes: BTreeMap::new(),
            names: HashMap::new(),
            deliveries: BTreeMap::new(),
            changed: BTreeSet::new(),
            new: Vec::new(),
            events: Vec::new(),
            attempts: Vec::new(),
            ready_streams: BTreeSet::new(),
        }
    }

    /// When the transaction began.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    fn millis(&self) -> i64 {
        self.now.as_unix_millis()
    }

    /// Writes what has changed.
    pub(crate) async fn write(&mut self) -> Done<()> {
        let changes = self.changes()?;
        self.send(&changes).await
    }

    /// What has changed, and is to be sent.
    pub(crate) fn changes(&mut self) -> Done<Changes> {
        let (events, attempts) = (std::mem::take(&mut self.events), std::mem::take(&mut self.attempts));
        Ok(Changes { events, deliveries: self.changed_deliveries(), lanes: self.changed_lanes()?, attempts })
    }

    /// Writes changes in one round trip.
    pub(crate) async fn send(&self, changes: &Changes) -> Done<()> {
        let (events, deliveries, lanes, attempts) = tokio::join!(
            biased;
            self.send_events(&changes.events),
            self.send_deliveries(&changes.deliveries),
            self.send_lanes(&changes.lanes),
            self.send_attempts(&changes.attempts)
        );
        events.and(deliveries).and(lanes).and(attempts)
    }

    /// The streams that may be polled after this transaction.
    pub(crate) fn ready_streams(self) -> BTreeSet<String> {
        self.ready_streams
    }

    async fn query(&self, statement: &str, values: &[Value<'_>]) -> Done<Vec<Row>> {
        self.connection.query(statement, values).await
    }

    /// Runs a statement, and returns how many rows it has changed.
    async fn execute(&self, statement: &str, values: &[Value<'_>]) -> Done<u64> {
        self.connection.execute(statement, values).await
    }
}
