//! What receivers that poll are given, and what they say of it.

use std::{collections::HashMap, time::Duration};

use ssf_transmitter::outbox::{Acknowledgement, Attempt, Failure, Payload, Poll, Polled, stream_receiver};

use super::{Ledger, Operation, claim::READY, delivery::columns, due::STEP, endings::Ending, lane};
use crate::{
    codec::{signed, time, wait},
    failed::{Done, Failed},
    values::{each, one},
};

/// A poll of a stream that has nothing locks nothing.
const OWN: &str = concat!(
    "SELECT ",
    lane::columns!(),
    " FROM receivers WHERE name = $1 AND waiting + in_flight > 0 FOR UPDATE"
);
macro_rules! own {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM deliveries d WHERE d.receiver = $1 AND ",
            $condition,
            ", d.seq LIMIT $3 FOR UPDATE"
        )
    };
}
const LENT: &str = own!("d.wait = 3 AND d.lease_until <= $2 ORDER BY d.lease_until");
const DUE: &str = own!("d.wait = 1 AND d.due_at <= $2 ORDER BY d.due_at");
/// Whether something has expired, whoever gets it. Nobody who may not poll is asked.
const HAS_EXPIRED: &str = "
    SELECT EXISTS (SELECT FROM deliveries WHERE state = 0 AND expires_at <= $2)
    FROM receivers WHERE name = $1 AND mode = 'polled' AND coalesce(state::json ->> 'status', '') <> 'held'";
const NEXT: &str = "
    SELECT least(
        (SELECT min(lease_until) FROM deliveries WHERE receiver = $1 AND wait = 3),
        (SELECT min(due_at) FROM deliveries WHERE receiver = $1 AND wait = 1)
    )";
/// What was never given out cannot be acknowledged.
const ACKNOWLEDGED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries d WHERE d.jti = ANY($1) AND d.receiver = $2 AND d.state <= 1 AND d.token > 0 ORDER BY d.seq FOR UPDATE"
);
const FROZEN: &str = "
    SELECT d.jti, d.claims FROM deliveries d JOIN receivers r ON r.id = d.receiver
    WHERE d.jti = ANY($1) AND r.name = $2 AND d.state <= 1";

/// A poll of a stream.
pub(crate) struct PollOnce {
    pub(crate) poll: Poll,
    /// Whether it does nothing where something has expired: see [`Expire`](super::Expire).
    pub(crate) looks: bool,
}

impl Operation for PollOnce {
    type Output = Option<Polled>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Option<Polled>> {
        if self.looks {
            let (name, now) = (stream_receiver(&self.poll.stream), ledger.millis());
            let rows = ledger.query(HAS_EXPIRED, &[one(&name), one(&now)]).await?;
            if rows.first().map_or(Ok(false), |row| row.try_get(0))? {
                return Ok(None);
            }
        }
        ledger.poll(&self.poll).await.map(Some)
    }
}

impl Ledger<'_> {
    async fn poll(&mut self, poll: &Poll) -> Done<Polled> {
        let Some(receiver) = self.lock_stream(&poll.stream).await? else { return Ok(Polled::default()) };
        if self.locked(receiver)?.state.may_poll() == 0 {
            return Ok(Polled::default());
        }
        self.catch_up_of(receiver).await?;
        let most = i64::from(poll.limit);
        let now = self.now;
        let mut deliveries = Vec::new();
        loop {
            let limit = most - signed(deliveries.len());
            if limit <= 0 || self.locked(receiver)?.ready == 0 {
                break;
            }
            let ready = self.read(READY, &[each(&vec![receiver]), each(&vec![limit])]).await?;
            if ready.is_empty() {
                break;
            }
            for (seq, row) in ready {
                if self.known(seq)?.expires_at <= now.as_unix_millis() {
                    self.end(seq, Ending::Expired).await?;
                } else {
                    deliveries.push(self.take(seq, &row, poll.lease, Some(wait::ANSWER))?);
                }
            }
        }
        let more = self.locked(receiver)?.ready > 0;
        self.write().await?;
        // Nobody else is woken by what this one leaves.
        self.ready_streams.clear();
        let next = if deliveries.is_empty() { self.next_of(receiver).await? } else { None };
        Ok(Polled::new(deliveries, more, next))
    }
}

impl Operation for Acknowledgement {
    type Output = u64;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<u64> {
        let Some(receiver) = ledger.lock_stream(&self.stream).await? else { return Ok(0) };
        let accepted = self.accepted.iter().map(|jti| (&**jti, None));
        let rejected = self.rejected.iter().map(|(jti, failure)| (&**jti, Some(failure)));
        let mut said: HashMap<&str, (usize, Option<&Failure>)> = HashMap::new();
        // Receivers may say anything, and PostgreSQL takes no text with a NUL character.
        let all = accepted.chain(rejected).filter(|(jti, _)| !jti.contains('\0'));
        for (place, (jti, failure)) in all.enumerate() {
            said.entry(jti).or_insert((place, failure));
        }
        let jtis = said.keys().copied().collect();
        let found = ledger.read(ACKNOWLEDGED, &[each(&jtis), one(&receiver)]).await?;
        let found = found.iter().map(|(seq, row)| {
            let (place, failure) = said.get(row.try_get::<_, &str>(1)?).copied().unwrap_or_default();
            Ok((place, *seq, failure))
        });
        let mut found = found.collect::<Done<Vec<_>>>()?;
        // What the receiver says last is what is known of it.
        found.sort_unstable_by_key(|(place, ..)| *place);
        let (mut turns, now) = (Vec::new(), ledger.now);
        for (_, seq, failure) in &found {
            let failure = *failure;
            let attempt = Attempt::new(now, Duration::ZERO).with_failure(failure.cloned());
            ledger.attempts.push((*seq, attempt));
            ledger.delivery(*seq)?.note(failure)?;
            ledger.lane(receiver)?.state.note_polled(failure, now);
            let ending = if failure.is_some() { Ending::Dead } else { Ending::Delivered };
            turns.extend(ledger.end_alone(*seq, ending)?);
        }
        ledger.let_next(&turns).await?;
        Ok(found.len() as u64)
    }
}

/// What was kept of deliveries of a stream.
pub(crate) struct FrozenOf {
    pub(crate) stream: String,
    pub(crate) jtis: Vec<String>,
}

impl Operation for FrozenOf {
    type Output = Vec<Option<Payload>>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<Option<Payload>>> {
        let jtis = self.jtis.iter().map(|jti| &**jti).filter(|jti| !jti.contains('\0')).collect();
        let receiver = stream_receiver(&self.stream);
        let rows = ledger.query(FROZEN, &[each::<&str>(&jtis), one(&receiver)]).await?;
        let kept = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<_, Option<Vec<u8>>>(1)?)));
        let kept = kept.collect::<Done<HashMap<&str, _>>>()?;
        let of = |jti: &String| kept.get(&**jti).cloned().flatten().map(Payload::from);
        Ok(self.jtis.iter().map(of).collect())
    }
}

impl Ledger<'_> {
    /// Locks the receiver that stands for a stream, if it has anything.
    async fn lock_stream(&mut self, stream: &str) -> Done<Option<i64>> {
        Ok(self.lock(OWN, &[one(&stream_receiver(stream))]).await?.pop())
    }

    /// Does what is due for one receiver.
    async fn catch_up_of(&mut self, receiver: i64) -> Done<()> {
        let now = self.millis();
        let values = [one(&receiver), one(&now), one(&STEP)];
        let lane = self.locked(receiver)?;
        let (in_flight, waits) = (lane.counts.in_flight > 0, signed(lane.counts.waiting) > lane.ready);
        if in_flight {
            for (seq, _) in self.read(LENT, &values).await? {
                // Nobody knows whether the receiver has it.
                self.delivery(seq)?.uncertain = true;
                self.wait_again(seq, None).await?;
            }
        }
        if waits {
            for (seq, _) in self.read(DUE, &values).await? {
                self.promote(seq)?;
            }
        }
        Ok(())
    }

    /// How long it is until a delivery of a receiver may be ready.
    async fn next_of(&self, receiver: i64) -> Done<Option<Duration>> {
        let rows = self.query(NEXT, &[one(&receiver)]).await?;
        let next: Option<i64> = rows.first().ok_or_else(Failed::corrupt)?.try_get(0)?;
        Ok(next.map(|next| time(next).since(self.now)))
    }
}
