//! What receivers fetch themselves. A poll is a claim of one receiver.

use std::time::Duration;

use rusqlite::params;
use ssf_transmitter::outbox::{Acknowledgement, Attempt, Failure, Payload, Poll, Polled, stream_receiver};

use super::{
    Ledger,
    claim::{EXPIRED, READY, Ready, STEP, TAKE, UNCERTAIN},
    delivery::{self, Delivery},
    endings::{END, Ending, FOLLOWS, NEWER, WAIT},
    settle::SETTLE,
};
use crate::{
    codec::{failure_json, time},
    failed::Done,
};

const LEASED: &str = concat!(
    "SELECT ",
    delivery::columns!(),
    " FROM deliveries d INDEXED BY deliveries_of WHERE d.receiver = ?1 AND d.state = 1 AND d.lease_until <= ?2
    ORDER BY d.lease_until LIMIT ?3"
);
const DUE: &str = "
    SELECT seq FROM deliveries INDEXED BY deliveries_due_of WHERE receiver = ?1 AND wait = 1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3";
/// Each has the first time at which something changes.
const NEXT: &[&str] = &[
    "SELECT lease_until FROM deliveries INDEXED BY deliveries_of WHERE receiver = ?1 AND state = 1 ORDER BY lease_until LIMIT 1",
    "SELECT due_at FROM deliveries INDEXED BY deliveries_due_of WHERE receiver = ?1 AND wait = 1 ORDER BY due_at LIMIT 1",
];
/// What was never given out cannot be acknowledged.
const GIVEN: &str = concat!(
    "SELECT ",
    delivery::columns!(),
    " FROM deliveries d WHERE d.jti = ?1 AND d.receiver = ?2 AND d.state <= 1 AND d.token > 0"
);
const FROZEN: &str = "
    SELECT d.claims FROM deliveries d WHERE d.jti = ?1 AND d.state <= 1 AND d.receiver = (SELECT id FROM receivers WHERE name = ?2)";
const READY_STREAMS: &str = "
    SELECT a.value FROM json_each(?1) a CROSS JOIN receivers r ON r.name = ?2 || a.value WHERE r.ready > 0";

/// The statements of a poll and an acknowledgement, for the test of their plans.
#[doc(hidden)]
pub fn poll_statements() -> Vec<&'static str> {
    let own = [LEASED, DUE, EXPIRED, READY, TAKE, UNCERTAIN, GIVEN, FROZEN];
    let shared = [END, FOLLOWS, NEWER, WAIT, SETTLE];
    own.into_iter().chain(shared).chain(NEXT.iter().copied()).collect()
}

impl Ledger<'_> {
    pub(crate) fn poll(&mut self, poll: &Poll) -> Done<Polled> {
        let name = stream_receiver(&poll.stream);
        let found = self.known_receiver(&name)?.filter(|lane| lane.state.may_poll() > 0);
        let Some((receiver, most)) = found.map(|lane| (lane.id, lane.state.may_poll().min(poll.limit)))
        else {
            return Ok(Polled::default());
        };
        self.free_leases_of(receiver)?;
        self.expire()?;
        self.promote_of(receiver)?;
        let until = self.now.plus(poll.lease).as_unix_millis();
        let mut deliveries = Vec::new();
        loop {
            let left = most as usize - deliveries.len();
            let ready = self.all(READY, params![receiver, left], Ready::read)?;
            // More has expired than one step discards.
            let (expired, ready): (Vec<_>, Vec<_>) =
                ready.into_iter().partition(|ready| ready.delivery.expires_at <= self.millis());
            for ready in ready {
                // The receiver fetches them: no attempt is spent.
                deliveries.push(self.take(ready, &name, 0, until)?);
            }
            if expired.is_empty() {
                break;
            }
            expired.iter().try_for_each(|ready| self.end(&ready.delivery, Ending::Expired))?;
        }
        let more = self.lanes.get(&receiver).is_some_and(|lane| lane.ready > 0);
        let next = if deliveries.is_empty() { self.next_time_of(receiver)? } else { None };
        Ok(Polled::new(deliveries, more, next))
    }

    /// How long it is until a delivery of a receiver may be ready.
    fn next_time_of(&self, receiver: i64) -> Done<Option<Duration>> {
        let mut first: Option<i64> = None;
        for statement in NEXT {
            let time = self.first(statement, [receiver], |row| row.get(0))?;
            first = [first, time].into_iter().flatten().min();
        }
        Ok(first.map(|next| time(next).since(self.now)))
    }

    /// Lets a receiver fetch again what it has not acknowledged in time.
    fn free_leases_of(&mut self, receiver: i64) -> Done<()> {
        for delivery in self.all(LEASED, params![receiver, self.millis(), STEP], Delivery::read)? {
            self.doubt(delivery.seq, None)?;
            self.wait_again(&delivery, None)?;
        }
        Ok(())
    }

    /// Deliveries of a receiver whose time has come.
    fn promote_of(&mut self, receiver: i64) -> Done<()> {
        for seq in self.all(DUE, params![receiver, self.millis(), STEP], |row| Ok(row.get(0)?))? {
            self.wait_until_due(seq, receiver, None)?;
        }
        Ok(())
    }

    pub(crate) fn acknowledge(&mut self, said: &Acknowledgement) -> Done<u64> {
        let Some(receiver) = self.known_receiver(&stream_receiver(&said.stream))?.map(|lane| lane.id) else {
            return Ok(0);
        };
        let accepted = said.accepted.iter().map(|jti| (jti, None));
        let rejected = said.rejected.iter().map(|(jti, failure)| (jti, Some(failure)));
        let mut ended = 0;
        for (jti, failure) in accepted.chain(rejected) {
            ended += u64::from(self.acknowledge_one(receiver, jti, failure)?);
        }
        Ok(ended)
    }

    fn acknowledge_one(&mut self, receiver: i64, jti: &str, failure: Option<&Failure>) -> Done<bool> {
        let Some(given) = self.all(GIVEN, params![jti, receiver], Delivery::read)?.pop() else {
            return Ok(false);
        };
        let now = self.now;
        self.note_attempt(given.seq, &Attempt::new(now, Duration::ZERO).with_failure(failure.cloned()))?;
        self.execute(SETTLE, params![given.seq, given.attempts, given.uncertain, failure_json(failure)?])?;
        self.lane(receiver)?.state.note_polled(failure, now);
        let ending = if failure.is_some() { Ending::Dead } else { Ending::Delivered };
        self.end(&given, ending)?;
        Ok(true)
    }

    /// What was kept of deliveries that have not ended.
    pub(crate) fn frozen(&self, stream: &str, jtis: &[String]) -> Done<Vec<Option<Payload>>> {
        let name = stream_receiver(stream);
        let frozen = |jti: &String| {
            let claims: Option<Option<Vec<u8>>> = self.first(FROZEN, params![jti, name], |row| row.get(0))?;
            Ok(claims.flatten().map(Into::into))
        };
        jtis.iter().map(frozen).collect()
    }

    /// Those of these streams that have something ready.
    pub(crate) fn ready_streams(&self, streams: &[String]) -> Done<Vec<String>> {
        let params = params![crate::codec::json(&streams)?, stream_receiver("")];
        self.all(READY_STREAMS, params, |row| Ok(row.get(0)?))
    }
}
