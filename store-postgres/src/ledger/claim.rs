//! What is given out.

use std::{collections::BTreeMap, time::Duration};

use ssf_transmitter::{
    Timestamp,
    outbox::{Claim, Claimed, Claims, Lease, Status},
};
use tokio_postgres::Row;

use super::{
    Asked, Ledger, Operation,
    delivery::{COLUMNS, columns},
    due::{DUE_RECEIVERS, STEP},
    endings::Ending,
    lane,
};
use crate::{
    codec::{signed, state, time, times, unsigned},
    connection::Connection,
    failed::{Done, Failed},
    values::{each, one},
};

/// How soon to look again, in milliseconds, if another transaction has locked the receivers of which something is ready.
const SOON: i64 = 20;

/// The receivers that were served longest ago, and are not locked. The columns come from the locked rows: joined to the table, they
/// would be those from before the lock.
const TURNS: &str = concat!(
    "WITH turns AS MATERIALIZED (
        SELECT ",
    lane::columns!(),
    " FROM receivers WHERE turn IS NOT NULL AND id <> ALL($1) ORDER BY turn, id LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    SELECT ",
    lane::columns!(),
    ", nextval('turns') FROM turns ORDER BY turn, id"
);
macro_rules! select {
    () => {
        concat!("SELECT ", columns!(), ", d.claims, d.enqueued_at, e.payload ")
    };
}
/// The first deliveries of some receivers, as many as each may get.
pub(super) const READY: &str = concat!(
    select!(),
    "FROM unnest($1, $2) AS r (id, most)
    CROSS JOIN LATERAL (
        SELECT * FROM deliveries w WHERE w.receiver = r.id AND w.wait = 0 ORDER BY w.priority DESC, w.seq LIMIT r.most
    ) d
    JOIN events e ON e.id = d.event
    ORDER BY d.receiver, d.priority DESC, d.seq"
);
/// The delivery after the last probe.
const PROBE: &str = concat!(
    select!(),
    "FROM deliveries d JOIN events e ON e.id = d.event
    WHERE d.receiver = $1 AND d.wait = 0 AND d.priority <= $2 AND (d.priority < $2 OR d.seq > $3)
    ORDER BY d.priority DESC, d.seq LIMIT 1"
);
/// The first time at which each of them changes something, and whether something is ready.
const NEXT: &str = "
    SELECT least(
            (SELECT min(lease_until) FROM deliveries WHERE lease_until IS NOT NULL),
            (SELECT min(due_at) FROM deliveries WHERE wait = 1),
            (SELECT min(expires_at) FROM deliveries WHERE state = 0),
            (SELECT min(parked_until) FROM receivers WHERE parked_until IS NOT NULL)
        ),
        EXISTS (SELECT FROM receivers WHERE turn IS NOT NULL),
        EXISTS (SELECT FROM inbox WHERE refused_at IS NULL)";

impl Operation for Claim {
    /// With whether a transaction of the host has enqueued something.
    type Output = (Claims, bool);

    const OFTEN: bool = true;

    async fn ask(&self, connection: &Connection, now: Option<Timestamp>) -> Done<Option<Asked>> {
        let (now, wanted) = (now.map(Timestamp::as_unix_millis), receivers(self, 0, 0));
        let served = Vec::<i64>::new();
        let (until_now, first) = ([one(&now), one(&STEP)], [each(&served), one(&wanted)]);
        let (due, turns) = tokio::join!(
            biased;
            connection.query(DUE_RECEIVERS, &until_now),
            connection.query(TURNS, &first)
        );
        Ok(Some(Asked::Claim { due: due?, turns: turns? }))
    }

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<(Claims, bool)> {
        let mut wanted = receivers(self, 0, 0);
        let (mut claimed, mut served) = (Vec::new(), Vec::<i64>::new());
        let Some(Asked::Claim { due, turns }) = ledger.asked.take() else {
            return Err(Failed::not_asked());
        };
        let (due, mut turns) = (ledger.locks(&due)?, ledger.turns(&turns)?);
        let mut more = false;
        if !due.is_empty() {
            more = ledger.catch_up(self, &due).await?;
            ledger.write().await?;
            turns = ledger.next_turns(&served, wanted).await?;
        }
        while claimed.len() < self.deliveries as usize && !turns.is_empty() {
            more |= ledger.serve(&turns, self, &mut claimed, &mut served).await?;
            // No other receiver has a turn.
            if signed(turns.len()) < wanted {
                break;
            }
            wanted = receivers(self, claimed.len(), served.len());
            turns = ledger.next_turns(&served, wanted).await?;
        }
        let progress = !claimed.is_empty() || self.deliveries == 0;
        let (next, more, inbox) = ledger.next(more, progress).await?;
        Ok((Claims::new(claimed, next.map(|next| time(next).since(ledger.now))).with_more(more), inbox))
    }
}

/// As few receivers as may be enough, by what those before had: other workers can claim of the others.
fn receivers(claim: &Claim, claimed: usize, served: usize) -> i64 {
    let left = signed(claim.deliveries) - signed(claimed);
    let yields = claimed.checked_div(served).map_or(signed(claim.per_receiver), signed).max(1);
    (left + yields - 1).div_euclid(yields).max(1)
}

impl Ledger<'_> {
    /// Writes what has changed. Returns when to look again, whether something may be ready now, and whether something is in the inbox.
    async fn next(&mut self, more: bool, progress: bool) -> Done<(Option<i64>, bool, bool)> {
        let (now, changes) = (self.millis(), self.changes()?);
        let (sent, rows) = tokio::join!(biased; self.send(&changes), self.query(NEXT, &[]));
        sent?;
        let rows = rows?;
        let row = rows.first().ok_or_else(Failed::corrupt)?;
        let (next, ready, inbox): (Option<i64>, bool, bool) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let next = if more || ready || inbox { Some(now) } else { next };
        let is_due = next.is_some_and(|next| next <= now);
        // What is due was locked, or it would have been done.
        let next = next.map(|next| if is_due && !progress && !more { now + SOON } else { next });
        Ok((next, is_due, inbox))
    }

    async fn next_turns(&mut self, served: &Vec<i64>, wanted: i64) -> Done<Vec<(i64, i64)>> {
        let rows = self.query(TURNS, &[each(served), one(&wanted)]).await?;
        self.turns(&rows)
    }

    /// The receivers of these rows, and the numbers of their turns.
    fn turns(&mut self, rows: &[Row]) -> Done<Vec<(i64, i64)>> {
        let receivers = self.locks(rows)?;
        let number = |(id, row): (i64, &Row)| Ok((id, row.try_get(lane::COLUMNS)?));
        receivers.into_iter().zip(rows).map(number).collect()
    }

    /// Gives receivers their turns, as long as the claim has room. Returns whether something has expired that is not discarded yet.
    async fn serve(
        &mut self,
        turns: &[(i64, i64)],
        claim: &Claim,
        claimed: &mut Vec<Claimed>,
        served: &mut Vec<i64>,
    ) -> Done<bool> {
        let now = self.now;
        let mut left = signed(claim.deliveries) - signed(claimed.len());
        let (mut receivers, mut limits, mut probed) = (Vec::new(), Vec::new(), Vec::new());
        for (id, number) in turns {
            if left == 0 {
                break;
            }
            served.push(*id);
            let lane = self.lane(*id)?;
            lane.served = *number;
            let most = i64::from(lane.may_claim(now).min(claim.per_receiver)).min(lane.ready).min(left);
            left -= most;
            if lane.state.status == Status::Paused && most > 0 {
                probed.push(*id);
            } else {
                receivers.push(*id);
                limits.push(most);
            }
        }
        let mut ready: BTreeMap<i64, Vec<(i64, Row)>> = BTreeMap::new();
        // Nothing of these receivers has changed yet.
        let rows = self.query(READY, &[each(&receivers), each(&limits)]).await?;
        for (seq, row) in self.note_read(rows)? {
            ready.entry(self.known(seq)?.receiver).or_default().push((seq, row));
        }
        for id in probed {
            let probe = self.probe(id).await?;
            ready.insert(id, probe);
        }
        let mut more = false;
        for (seq, row) in turns.iter().flat_map(|(id, _)| ready.remove(id).unwrap_or_default()) {
            if self.known(seq)?.expires_at <= now.as_unix_millis() {
                more = true;
                self.end(seq, Ending::Expired).await?;
            } else {
                claimed.push(self.take(seq, &row, claim.lease, None)?);
            }
        }
        Ok(more)
    }

    /// The delivery after the last probe, or the first one.
    async fn probe(&mut self, receiver: i64) -> Done<Vec<(i64, Row)>> {
        let mut found = Vec::new();
        if let Some((priority, seq)) = self.lane(receiver)?.probed {
            found = self.read(PROBE, &[one(&receiver), one(&priority), one(&seq)]).await?;
        }
        if found.is_empty() {
            found = self.read(PROBE, &[one(&receiver), one(&i16::MAX), one(&i64::MAX)]).await?;
        }
        let probe = found.first().map(|(seq, _)| self.known(*seq)).transpose()?;
        let probe = probe.map(|probe| (probe.priority, probe.seq));
        self.lane(receiver)?.probed = probe;
        Ok(found)
    }

    /// Gives a delivery out: to a worker, for an attempt, or to a receiver that polls, which has to acknowledge it.
    pub(super) fn take(&mut self, seq: i64, row: &Row, lease: Duration, wait: Option<i16>) -> Done<Claimed> {
        let until = self.now.plus(lease).as_unix_millis();
        let delivery = self.delivery(seq)?;
        delivery.state = state::IN_FLIGHT;
        delivery.wait = wait;
        delivery.due_at = None;
        delivery.lease_until = Some(until);
        delivery.token += 1;
        delivery.attempts += i64::from(wait.is_none());
        let lease = Lease::new(delivery.jti.as_str(), unsigned(delivery.token)?);
        let (receiver, attempts, uncertain) = (delivery.receiver, delivery.attempts, delivery.uncertain);
        let lane = self.lane(receiver)?;
        lane.ready -= 1;
        lane.count(state::WAITING, -1);
        lane.count(state::IN_FLIGHT, 1);
        let claims: Option<Vec<u8>> = row.try_get(COLUMNS)?;
        let issued_at = times(row.try_get(COLUMNS + 1)?).unwrap_or(self.now);
        let payload: Vec<u8> = row.try_get(COLUMNS + 2)?;
        let name = self.lane(receiver)?.name.clone();
        Ok(Claimed::new(
            lease,
            name,
            payload.into(),
            claims.map(Into::into),
            issued_at,
            unsigned(attempts)?,
            uncertain,
        ))
    }
}
