//! What workers report.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use ssf_transmitter::{
    Result, Timestamp,
    outbox::{Attempt, Failure, Frozen, Lease, Next, Settled, Settlement, State},
};
use tokio_postgres::Row;

use super::{Asked, Ledger, Operation, delivery::columns, endings::Ending, lane};
use crate::{
    codec::{signed, state, unsigned},
    connection::Connection,
    failed::{Done, Failed},
    session::Sessions,
    values::{each, one},
};

const RECEIVERS: &str = concat!(
    "SELECT ",
    lane::columns!(),
    " FROM receivers WHERE id IN (SELECT receiver FROM deliveries WHERE jti = ANY($1)) ORDER BY id FOR UPDATE"
);
const LEASED: &str =
    concat!("SELECT ", columns!(), " FROM deliveries d WHERE d.jti = ANY($1) AND d.state = 1 ORDER BY d.seq");
/// What follows the name of the table.
const FREEZE: &str = "
    SET claims = l.claims FROM unnest($1, $2, $3) AS l (jti, token, claims)
    WHERE d.jti = l.jti AND d.token = l.token AND d.state = 1 RETURNING d.jti, d.token";
const RENEW: &str = "
    UPDATE deliveries d SET lease_until = $3 FROM unnest($1, $2) AS l (jti, token)
    WHERE d.jti = l.jti AND d.token = l.token AND d.state = 1 RETURNING d.jti, d.token";
const ATTEMPTS: &str = "
    INSERT INTO attempts (delivery, n, at, duration, kid, status, failure)
    SELECT n.delivery, (SELECT coalesce(max(a.n), 0) + 1 FROM attempts a WHERE a.delivery = n.delivery), n.at, n.duration, n.kid,
        n.status, n.failure
    FROM unnest($1, $2, $3, $4, $5, $6) AS n (delivery, at, duration, kid, status, failure)";

/// Keeps the claims of SETs.
pub(crate) struct Freeze(pub(crate) Vec<Frozen>);

impl Freeze {
    /// It is a transaction of its own: a statement that needs no clock, in one round trip.
    pub(crate) async fn run(mut self, sessions: &Sessions) -> Result<Vec<bool>> {
        let leases: Vec<_> = self.0.iter().map(|frozen| frozen.lease.clone()).collect();
        self.0.sort_by(|one, other| one.lease.jti.cmp(&other.lease.jti));
        let (jtis, tokens) = columns_of(self.0.iter().map(|frozen| &frozen.lease));
        let claims = self.0.iter().map(|frozen| frozen.claims.as_bytes()).collect();
        let table = sessions.pool.manager().schema.table("deliveries");
        let statement = format!("UPDATE {table} d {FREEZE}");
        let held = sessions.query(&statement, &[each(&jtis), each(&tokens), each(&claims)]).await?;
        Ok(are_held(&leases, &held)?)
    }
}

/// Extends leases.
pub(crate) struct Renew(pub(crate) Vec<Lease>, pub(crate) Duration);

impl Operation for Renew {
    type Output = Vec<bool>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<bool>> {
        let mut sorted: Vec<_> = self.0.iter().collect();
        sorted.sort_by(|one, other| one.jti.cmp(&other.jti));
        let (jtis, tokens) = columns_of(sorted);
        let until = ledger.now.plus(self.1).as_unix_millis();
        let held = ledger.query(RENEW, &[each(&jtis), each(&tokens), one(&until)]).await?;
        are_held(&self.0, &held)
    }
}

/// The columns of leases, which both operations write in one order, so that they do not wait for each other.
fn columns_of<'a>(leases: impl IntoIterator<Item = &'a Lease>) -> (Vec<&'a str>, Vec<i64>) {
    leases.into_iter().map(|lease| (&*lease.jti, signed(lease.token))).unzip()
}

/// Which leases are among the rows.
fn are_held(leases: &[Lease], rows: &[Row]) -> Done<Vec<bool>> {
    let held = |row: &Row| Done::Ok((row.try_get::<_, String>(0)?, unsigned::<u64>(row.try_get(1)?)?));
    let held = rows.iter().map(held).collect::<Done<HashSet<_>>>()?;
    Ok(leases.iter().map(|lease| held.contains(&(lease.jti.clone(), lease.token))).collect())
}

/// Ends claims.
pub(crate) struct Settle(pub(crate) Vec<Settlement>);

impl Operation for Settle {
    type Output = Vec<Settled>;

    const OFTEN: bool = true;

    /// One after the other: the deliveries are read when their receivers are locked.
    async fn ask(&self, connection: &Connection, _: Option<Timestamp>) -> Done<Option<Asked>> {
        let jtis: Vec<_> = self.0.iter().map(|settlement| &*settlement.lease.jti).collect();
        let values = [each(&jtis)];
        let (receivers, leased) =
            tokio::join!(biased; connection.query(RECEIVERS, &values), connection.query(LEASED, &values));
        Ok(Some(Asked::Settle { receivers: receivers?, leased: leased? }))
    }

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<Settled>> {
        let Some(Asked::Settle { receivers, leased }) = ledger.asked.take() else {
            return Err(Failed::not_asked());
        };
        ledger.locks(&receivers)?;
        let found = ledger.note_read(leased)?;
        let jti = |(seq, row): &(i64, Row)| Ok((row.try_get(1)?, *seq));
        let mut leased = found.iter().map(jti).collect::<Done<HashMap<String, i64>>>()?;
        let mut settled = Vec::with_capacity(self.0.len());
        for settlement in &self.0 {
            let token = signed(settlement.lease.token);
            let seq = leased.get(&settlement.lease.jti).copied();
            match seq.filter(|seq| ledger.known(*seq).is_ok_and(|delivery| delivery.token == token)) {
                None => settled.push(Settled::Lost),
                Some(seq) => {
                    leased.remove(&settlement.lease.jti);
                    ledger.attempts.extend(settlement.attempt.clone().map(|attempt| (seq, attempt)));
                    settled.push(ledger.settle(seq, settlement).await?);
                }
            }
        }
        Ok(settled)
    }
}

impl Ledger<'_> {
    async fn settle(&mut self, seq: i64, settlement: &Settlement) -> Done<Settled> {
        let Settlement { outcome, uncertain, random, .. } = settlement;
        let (now, receiver) = (self.now, self.known(seq)?.receiver);
        let state = &mut self.lane(receiver)?.state;
        let alert = state.note(outcome, now, *random);
        let next = outcome.next(state, now);
        let delivery = self.delivery(seq)?;
        debug_assert_eq!(delivery.state, state::IN_FLIGHT, "only these have a lease");
        // A poll has spent none.
        let spared = i64::from(matches!(next, Next::Waits { spends_attempt: false, .. }));
        delivery.attempts = (delivery.attempts - spared).max(0);
        delivery.uncertain |= *uncertain;
        delivery.note(outcome.failure())?;
        match next {
            Next::Ends(State::Delivered) => self.end(seq, Ending::Delivered).await?,
            Next::Ends(_) => self.end(seq, Ending::Dead).await?,
            Next::Waits { until, .. } => self.wait_again(seq, until.map(Timestamp::as_unix_millis)).await?,
            _ => self.wait_again(seq, None).await?,
        }
        Ok(Settled::Applied(alert))
    }

    pub(super) async fn send_attempts(&self, attempts: &[(i64, Attempt)]) -> Done<()> {
        if attempts.is_empty() {
            return Ok(());
        }
        let failure =
            |(_, attempt): &(i64, Attempt)| attempt.failure.as_ref().map(Failure::to_json).transpose();
        let status = |(_, attempt): &(i64, Attempt)| attempt.status.map(i32::from);
        self.execute(
            ATTEMPTS,
            &[
                each(&attempts.iter().map(|(seq, _)| *seq).collect()),
                each(&attempts.iter().map(|(_, attempt)| attempt.at.as_unix_millis()).collect()),
                each(&attempts.iter().map(|(_, attempt)| signed(attempt.duration.as_millis())).collect()),
                each(&attempts.iter().map(|(_, attempt)| attempt.kid.as_deref()).collect()),
                each(&attempts.iter().map(status).collect()),
                each(&attempts.iter().map(failure).collect::<Result<Vec<_>>>()?),
            ],
        )
        .await
        .map(drop)
    }
}
