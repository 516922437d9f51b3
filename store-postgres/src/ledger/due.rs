//! What only time causes: leases and pauses that end, deliveries that are due or expire.

use ssf_transmitter::{
    ErrorCode, Timestamp,
    outbox::{Claim, Failure, Next},
};

use super::{Ledger, Operation, delivery::columns, endings::Ending, lane};
use crate::{
    codec::{signed, state, wait},
    failed::Done,
    values::{each, one},
};

/// So many rows change at most in each step. What is left is for the next claim.
pub(super) const STEP: i64 = 1000;

/// Receivers of which something is due: now, or at a time that a clock of a test says. Those that another transaction has locked are its
/// business.
pub(super) const DUE_RECEIVERS: &str = concat!(
    "WITH clock AS MATERIALIZED (
        SELECT coalesce($1, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now
    ), due AS MATERIALIZED (
        (SELECT receiver FROM deliveries WHERE lease_until <= (SELECT now FROM clock) ORDER BY lease_until LIMIT $2)
        UNION (
            SELECT receiver FROM deliveries WHERE state = 0 AND expires_at <= (SELECT now FROM clock) ORDER BY expires_at LIMIT $2
        )
        UNION (SELECT receiver FROM deliveries WHERE wait = 1 AND due_at <= (SELECT now FROM clock) ORDER BY due_at LIMIT $2)
        UNION (SELECT id FROM receivers WHERE parked_until <= (SELECT now FROM clock) ORDER BY parked_until LIMIT $2)
    )
    SELECT ",
    lane::columns!(),
    " FROM receivers WHERE id IN (SELECT receiver FROM due) ORDER BY id FOR UPDATE SKIP LOCKED"
);
/// Receivers of which something has expired.
const EXPIRING: &str = concat!(
    "WITH due AS MATERIALIZED (
        SELECT receiver FROM deliveries WHERE state = 0 AND expires_at <= $1 ORDER BY expires_at LIMIT $2
    )
    SELECT ",
    lane::columns!(),
    " FROM receivers WHERE id IN (SELECT receiver FROM due) ORDER BY id FOR UPDATE SKIP LOCKED"
);
macro_rules! step {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM deliveries d WHERE d.receiver = ANY($3) AND ",
            $condition,
            ", d.seq LIMIT $2 FOR UPDATE SKIP LOCKED"
        )
    };
}
const LEASED: &str = step!("d.lease_until <= $1 ORDER BY d.lease_until");
const EXPIRED: &str = step!("d.state = 0 AND d.expires_at <= $1 ORDER BY d.expires_at");
const DUE: &str = step!("d.wait = 1 AND d.due_at <= $1 ORDER BY d.due_at");

/// Discards what has expired, where no worker may be there to do it. It is a transaction of its own: a poll waits for its receiver, and
/// who waits must have locked no other one.
pub(crate) struct Expire;

impl Operation for Expire {
    type Output = ();

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<()> {
        let now = ledger.millis();
        let receivers = ledger.lock(EXPIRING, &[one(&now), one(&STEP)]).await?;
        for (seq, _) in ledger.read(EXPIRED, &[one(&now), one(&STEP), each(&receivers)]).await? {
            ledger.end(seq, Ending::Expired).await?;
        }
        Ok(())
    }
}

impl Ledger<'_> {
    /// Does what is due of these receivers. Returns whether there may be more.
    pub(super) async fn catch_up(&mut self, claim: &Claim, receivers: &Vec<i64>) -> Done<bool> {
        let now = self.millis();
        let mut more = false;
        for statement in [LEASED, EXPIRED, DUE] {
            let found = self.read(statement, &[one(&now), one(&STEP), each(receivers)]).await?;
            more |= signed(found.len()) == STEP;
            for (seq, _) in found {
                match statement {
                    LEASED => self.free(seq, claim).await?,
                    EXPIRED => self.end(seq, Ending::Expired).await?,
                    _ => self.promote(seq)?,
                }
            }
        }
        // That they are written gives them their turn.
        receivers.iter().try_for_each(|receiver| self.lane(*receiver).map(drop))?;
        Ok(more)
    }

    /// Nobody knows how the delivery ended.
    async fn free(&mut self, seq: i64, claim: &Claim) -> Done<()> {
        let now = self.now;
        let delivery = self.delivery(seq)?;
        delivery.uncertain = true;
        let attempts = u32::try_from(delivery.attempts).unwrap_or(u32::MAX);
        let (jti, receiver) = (delivery.jti.clone(), delivery.receiver);
        let next = self.lane(receiver)?.state.lost(claim, &jti, attempts, now);
        if let Next::Waits { until, .. } = next {
            return self.wait_again(seq, until.map(Timestamp::as_unix_millis)).await;
        }
        let message = "every attempt ended without a result, as if the worker had crashed";
        let failure = Failure::new(ErrorCode::OutboxAttemptsExhausted, message);
        self.delivery(seq)?.note(Some(&failure))?;
        self.end(seq, Ending::Dead).await
    }

    /// Its time has come, unless the step before has done something else with it.
    pub(super) fn promote(&mut self, seq: i64) -> Done<()> {
        let delivery = self.known(seq)?;
        if delivery.state == state::WAITING && delivery.wait == Some(wait::TIME) {
            self.wait_until_due(seq, None)?;
        }
        Ok(())
    }
}
