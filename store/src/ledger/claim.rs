//! What is given out. Each step touches only the rows that it takes, however many others wait.

use rusqlite::{Row, params};
use ssf_transmitter::{
    ErrorCode, Timestamp,
    outbox::{Claim, Claimed, Claims, Failure, Lease, Next, Status},
};

use super::{
    Ledger,
    delivery::{self, Delivery},
    endings::{END, Ending, FOLLOWS, NEWER, OLDER, WAIT},
};
use crate::{
    codec::{failure_json, state, time, unsigned},
    failed::{Done, Failed},
};

// The planner knows nothing of how many rows an index has. `INDEXED BY` makes a statement fail that cannot use the index.

/// So many rows change at most in each step that only time causes. What is left is for the next claim.
pub(super) const STEP: usize = 1000;

const LEASED: &str = concat!(
    "SELECT ",
    delivery::columns!(),
    " FROM deliveries d INDEXED BY deliveries_lent WHERE d.lease_until <= ?1 ORDER BY d.lease_until LIMIT ?2"
);
pub(super) const EXPIRED: &str = concat!(
    "SELECT ",
    delivery::columns!(),
    " FROM deliveries d INDEXED BY deliveries_expiring WHERE d.state = 0 AND d.expires_at <= ?1 ORDER BY d.expires_at LIMIT ?2"
);
const DUE: &str = "
    SELECT seq, receiver FROM deliveries INDEXED BY deliveries_due WHERE wait = 1 AND due_at <= ?1 ORDER BY due_at LIMIT ?2";
const PARKED: &str = "
    SELECT id FROM receivers INDEXED BY receivers_parked WHERE parked_until <= ?1 ORDER BY parked_until LIMIT ?2";
/// The receiver that was served longest ago, unless this claim has served it.
const TURN: &str =
    "SELECT id FROM receivers INDEXED BY receivers_turn WHERE turn <= ?1 ORDER BY turn, id LIMIT 1";
macro_rules! ready {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            delivery::columns!(),
            ", d.claims, d.enqueued_at, e.payload, d.priority
             FROM deliveries d INDEXED BY deliveries_ready CROSS JOIN events e ON e.id = d.event
             WHERE d.receiver = ?1 AND d.wait = 0",
            $condition,
            " ORDER BY d.priority DESC, d.seq LIMIT ?2"
        )
    };
}
pub(super) const READY: &str = ready!("");
/// Those after the last probe: with its priority, and with a lower one.
const PROBE: &str = ready!(" AND d.priority = ?3 AND d.seq > ?4");
const LOWER_PROBE: &str = ready!(" AND d.priority < ?3");
pub(super) const TAKE: &str = "
    UPDATE deliveries SET state = 1, wait = NULL, due_at = NULL, lease_until = ?2, token = ?3, attempts = ?4 WHERE seq = ?1";
pub(super) const UNCERTAIN: &str =
    "UPDATE deliveries SET uncertain = 1, failure = coalesce(?2, failure) WHERE seq = ?1";
const LAST_TURN: &str = "SELECT value FROM meta WHERE name = 'turn'";
const NEW_TURN: &str = "UPDATE meta SET value = ?1 WHERE name = 'turn'";
const LEFT: &str = "SELECT 1 FROM receivers WHERE turn IS NOT NULL LIMIT 1";
/// Each has the first time at which something changes.
const NEXT: &[&str] = &[
    "SELECT lease_until FROM deliveries WHERE lease_until IS NOT NULL ORDER BY lease_until LIMIT 1",
    "SELECT due_at FROM deliveries WHERE wait = 1 ORDER BY due_at LIMIT 1",
    "SELECT expires_at FROM deliveries WHERE state = 0 ORDER BY expires_at LIMIT 1",
    "SELECT parked_until FROM receivers WHERE parked_until IS NOT NULL ORDER BY parked_until LIMIT 1",
];

/// The statements of a claim, for the test of their plans.
#[doc(hidden)]
pub fn claim_statements() -> Vec<&'static str> {
    let own = [
        LEASED,
        EXPIRED,
        DUE,
        PARKED,
        TURN,
        READY,
        PROBE,
        LOWER_PROBE,
        TAKE,
        UNCERTAIN,
        LAST_TURN,
        NEW_TURN,
        LEFT,
    ];
    own.into_iter().chain([END, FOLLOWS, NEWER, OLDER, WAIT]).chain(NEXT.iter().copied()).collect()
}

impl Ledger<'_> {
    pub(crate) fn claim(&mut self, claim: &Claim) -> Done<Claims> {
        let steps = [self.free_leases(claim)?, self.expire()?, self.promote()?, self.unpark()?];
        self.flush()?;
        let mut more = steps.contains(&STEP);
        let mut claimed = Vec::new();
        let began = self.first(LAST_TURN, (), |row| row.get(0))?.ok_or_else(Failed::corrupt)?;
        let mut turn: i64 = began;
        while claimed.len() < claim.deliveries as usize {
            let Some(receiver) = self.first(TURN, [began], |row| row.get(0))? else { break };
            turn += 1;
            more |= self.claim_of(receiver, turn, claim, &mut claimed)?;
            self.flush()?;
        }
        if turn > began {
            self.execute(NEW_TURN, [turn])?;
        }
        more |= self.first(LEFT, (), |_| Ok(()))?.is_some();
        let next = if more { Some(self.millis()) } else { self.next_time()? };
        Ok(Claims::new(claimed, next.map(|next| time(next).since(self.now))).with_more(more))
    }

    fn next_time(&self) -> Done<Option<i64>> {
        let mut first = None;
        for statement in NEXT {
            let time = self.first(statement, (), |row| row.get(0))?;
            first = [first, time].into_iter().flatten().min();
        }
        Ok(first)
    }

    /// Deliveries of which nobody knows how they ended.
    fn free_leases(&mut self, claim: &Claim) -> Done<usize> {
        let ended = self.all(LEASED, params![self.millis(), STEP], Delivery::read)?;
        for delivery in &ended {
            let now = self.now;
            let next = self.lane(delivery.receiver)?.state.lost(claim, &delivery.jti, delivery.attempts, now);
            let message = "every attempt ended without a result, as if the worker had crashed";
            let failure = matches!(next, Next::Ends(_))
                .then(|| Failure::new(ErrorCode::OutboxAttemptsExhausted, message));
            self.doubt(delivery.seq, failure.as_ref())?;
            match next {
                Next::Waits { until, .. } => {
                    self.wait_again(delivery, until.map(Timestamp::as_unix_millis))?;
                }
                _ => self.end(delivery, Ending::Dead)?,
            }
        }
        Ok(ended.len())
    }

    /// Nobody knows whether the receiver has a delivery.
    pub(super) fn doubt(&self, seq: i64, failure: Option<&Failure>) -> Done<()> {
        self.execute(UNCERTAIN, params![seq, failure_json(failure)?])?;
        Ok(())
    }

    pub(super) fn expire(&mut self) -> Done<usize> {
        let expired = self.all(EXPIRED, params![self.millis(), STEP], Delivery::read)?;
        expired.iter().try_for_each(|delivery| self.end(delivery, Ending::Expired))?;
        Ok(expired.len())
    }

    /// Deliveries whose time has come.
    fn promote(&mut self) -> Done<usize> {
        let due = self.all(DUE, params![self.millis(), STEP], |row| Ok((row.get(0)?, row.get(1)?)))?;
        due.iter().try_for_each(|(seq, receiver)| self.wait_until_due(*seq, *receiver, None))?;
        Ok(due.len())
    }

    /// Receivers whose pause has ended: that they are written gives them their turn.
    fn unpark(&mut self) -> Done<usize> {
        let parked = self.all(PARKED, params![self.millis(), STEP], |row| Ok(row.get(0)?))?;
        parked.iter().try_for_each(|id| self.touch(*id))?;
        Ok(parked.len())
    }

    /// Gives a receiver its turn. Returns whether something has expired that could not be told before.
    fn claim_of(
        &mut self,
        receiver: i64,
        turn: i64,
        claim: &Claim,
        claimed: &mut Vec<Claimed>,
    ) -> Done<bool> {
        let now = self.now;
        let lane = self.lane(receiver)?;
        lane.served = turn;
        let name = lane.name.clone();
        let left = claim.deliveries as usize - claimed.len();
        let most = left.min(lane.may_claim(now).min(claim.per_receiver) as usize);
        let until = now.plus(claim.lease).as_unix_millis();
        let ready = match lane.state.status {
            Status::Paused if most > 0 => self.probe(receiver)?,
            _ => self.all(READY, params![receiver, most], Ready::read)?,
        };
        let mut expired = false;
        for ready in ready {
            // More has expired than one step discards.
            if ready.delivery.expires_at <= now.as_unix_millis() {
                expired = true;
                self.end(&ready.delivery, Ending::Expired)?;
            } else {
                claimed.push(self.take(ready, &name, 1, until)?);
            }
        }
        Ok(expired)
    }

    /// Gives a delivery out until this time, for so many attempts.
    pub(super) fn take(&mut self, ready: Ready, receiver: &str, attempts: u32, until: i64) -> Done<Claimed> {
        let Ready { delivery, claims, enqueued_at, payload, .. } = ready;
        let (token, attempts) = (delivery.token + 1, delivery.attempts + attempts);
        self.execute(TAKE, params![delivery.seq, until, token, attempts])?;
        let lane = self.lane(delivery.receiver)?;
        lane.ready -= 1;
        lane.count(state::WAITING, -1);
        lane.count(state::IN_FLIGHT, 1);
        Ok(Claimed::new(
            Lease::new(delivery.jti, unsigned(token)),
            receiver.to_owned(),
            payload.into(),
            claims.map(Into::into),
            time(enqueued_at),
            attempts,
            delivery.uncertain,
        ))
    }

    /// The delivery after the last probe, or the first one.
    fn probe(&mut self, receiver: i64) -> Done<Vec<Ready>> {
        let mut found = None;
        if let Some((priority, seq)) = self.lane(receiver)?.probed {
            found = self.all(PROBE, params![receiver, 1, priority, seq], Ready::read)?.pop();
            if found.is_none() {
                found = self.all(LOWER_PROBE, params![receiver, 1, priority], Ready::read)?.pop();
            }
        }
        if found.is_none() {
            found = self.all(READY, params![receiver, 1], Ready::read)?.pop();
        }
        self.lane(receiver)?.probed = found.as_ref().map(|probe| (probe.priority, probe.delivery.seq));
        Ok(found.into_iter().collect())
    }
}

/// A delivery that can be claimed, and what the worker needs of it.
pub(super) struct Ready {
    pub(super) delivery: Delivery,
    claims: Option<Vec<u8>>,
    enqueued_at: i64,
    payload: Vec<u8>,
    priority: i64,
}

impl Ready {
    pub(super) fn read(row: &Row<'_>) -> Done<Self> {
        Ok(Self {
            delivery: Delivery::read(row)?,
            claims: row.get(12)?,
            enqueued_at: row.get(13)?,
            payload: row.get(14)?,
            priority: row.get(15)?,
        })
    }
}
