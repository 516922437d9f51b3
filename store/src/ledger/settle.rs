//! What workers report.

use std::time::Duration;

use rusqlite::params;
use ssf_transmitter::{
    Timestamp,
    outbox::{Attempt, Frozen, Lease, Next, Settled, Settlement, State},
};

use super::{
    Ledger,
    delivery::{Delivery, columns},
    endings::Ending,
};
use crate::{
    codec::{duration_millis, failure_json, signed},
    failed::Done,
};

const LEASED: &str =
    concat!("SELECT ", columns!(), " FROM deliveries d WHERE d.jti = ?1 AND d.state = 1 AND d.token = ?2");
const FREEZE: &str = "UPDATE deliveries SET claims = ?3 WHERE jti = ?1 AND state = 1 AND token = ?2";
const RENEW: &str = "UPDATE deliveries SET lease_until = ?3 WHERE jti = ?1 AND state = 1 AND token = ?2";
pub(super) const SETTLE: &str =
    "UPDATE deliveries SET attempts = ?2, uncertain = ?3, failure = ?4 WHERE seq = ?1";
const ATTEMPT: &str = "
    INSERT INTO attempts (delivery, n, at, duration, kid, status, failure)
    VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM attempts WHERE delivery = ?1), ?2, ?3, ?4, ?5, ?6)";

impl Ledger<'_> {
    pub(crate) fn freeze(&self, frozen: &[Frozen]) -> Done<Vec<bool>> {
        let freeze = |frozen: &Frozen| {
            let Lease { jti, token, .. } = &frozen.lease;
            Ok(self.execute(FREEZE, params![jti, signed(*token), frozen.claims.as_bytes()])? > 0)
        };
        frozen.iter().map(freeze).collect()
    }

    pub(crate) fn renew(&self, leases: &[Lease], by: Duration) -> Done<Vec<bool>> {
        let until = self.now.plus(by).as_unix_millis();
        let renew =
            |lease: &Lease| Ok(self.execute(RENEW, params![lease.jti, signed(lease.token), until])? > 0);
        leases.iter().map(renew).collect()
    }

    pub(crate) fn settle(&mut self, settlements: &[Settlement]) -> Done<Vec<Settled>> {
        settlements.iter().map(|settlement| self.settle_one(settlement)).collect()
    }

    fn settle_one(&mut self, settlement: &Settlement) -> Done<Settled> {
        let Settlement { lease, outcome, uncertain, attempt, random, .. } = settlement;
        let found = self.all(LEASED, params![lease.jti, signed(lease.token)], Delivery::read)?.pop();
        let Some(delivery) = found else { return Ok(Settled::Lost) };
        if let Some(attempt) = attempt {
            self.note_attempt(delivery.seq, attempt)?;
        }
        let now = self.now;
        let state = &mut self.lane(delivery.receiver)?.state;
        let alert = state.note(outcome, now, *random);
        let next = outcome.next(state, now);
        let unspent = matches!(next, Next::Waits { spends_attempt: false, .. });
        let attempts = delivery.attempts.saturating_sub(u32::from(unspent));
        let failure = failure_json(outcome.failure())?;
        self.execute(SETTLE, params![delivery.seq, attempts, delivery.uncertain || *uncertain, failure])?;
        match next {
            Next::Ends(State::Delivered) => self.end(&delivery, Ending::Delivered)?,
            Next::Ends(_) => self.end(&delivery, Ending::Dead)?,
            Next::Waits { until, .. } => self.wait_again(&delivery, until.map(Timestamp::as_unix_millis))?,
            _ => self.wait_again(&delivery, None)?,
        }
        Ok(Settled::Applied(alert))
    }

    pub(super) fn note_attempt(&self, seq: i64, attempt: &Attempt) -> Done<()> {
        let failure = failure_json(attempt.failure.as_ref())?;
        let (at, duration) = (attempt.at.as_unix_millis(), duration_millis(attempt.duration));
        self.execute(ATTEMPT, params![seq, at, duration, attempt.kid, attempt.status, failure])?;
        Ok(())
    }
}
