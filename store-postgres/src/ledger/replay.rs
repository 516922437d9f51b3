//! What people do with deliveries: replay and discard.

use ssf_transmitter::outbox::{Filter, Replay, State, fresh_jti};

use super::{
    Ledger, Operation,
    delivery::{New, columns},
    endings::Ending,
    filter::{Condition, states},
    lane,
};
use crate::{
    codec::{signed, state, unsigned, wait},
    failed::{Done, Failed},
    values::one,
};

/// The deliveries that a filter selects.
const FROM: &str =
    "FROM deliveries d JOIN events e ON e.id = d.event JOIN receivers r ON r.id = d.receiver WHERE";
const COPY: &str = "
    INSERT INTO events (kept, event, subject, fingerprint, payload)
    SELECT 1, event, subject, fingerprint, payload FROM events WHERE id = $1
    RETURNING id";

impl Operation for Replay {
    type Output = u64;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<u64> {
        let states = if self.filter.states.is_empty() {
            vec![State::Dead]
        } else {
            states(&self.filter, State::has_ended)
        };
        let condition = Condition::of(&self.filter, &states);
        if self.dry_run {
            return ledger.number_of(&condition).await;
        }
        let selected = ledger.select(&condition).await?;
        for seq in &selected {
            if self.fresh_jti { ledger.copy(*seq).await? } else { ledger.revive(*seq).await? }
        }
        unsigned(signed(selected.len()))
    }
}

/// Discards what waits.
pub(crate) struct Discard {
    pub(crate) filter: Filter,
    pub(crate) dry_run: bool,
}

impl Operation for Discard {
    type Output = u64;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<u64> {
        let states = states(&self.filter, |state| state == State::Waiting);
        let condition = Condition::of(&self.filter, &states);
        if self.dry_run {
            return ledger.number_of(&condition).await;
        }
        let selected = ledger.select(&condition).await?;
        for seq in &selected {
            ledger.end(*seq, Ending::Removed).await?;
        }
        unsigned(signed(selected.len()))
    }
}

impl Ledger<'_> {
    async fn number_of(&self, condition: &Condition) -> Done<u64> {
        let statement = format!("SELECT count(*) {FROM} {}", condition.sql);
        let rows = self.query(&statement, &condition.values()).await?;
        unsigned(rows.first().ok_or_else(Failed::corrupt)?.try_get(0)?)
    }

    /// Locks the receivers of the deliveries that a condition selects, and then these.
    async fn select(&mut self, condition: &Condition) -> Done<Vec<i64>> {
        let receivers = format!(
            concat!(
                "SELECT ",
                lane::columns!(),
                " FROM receivers WHERE id IN (SELECT d.receiver {} {}) ORDER BY id FOR UPDATE"
            ),
            FROM, condition.sql
        );
        let receivers = self.lock(&receivers, &condition.values()).await?;
        let receivers: Vec<_> = receivers.iter().map(i64::to_string).collect();
        if receivers.is_empty() {
            return Ok(Vec::new());
        }
        // Others may have got such deliveries meanwhile.
        let statement = format!(
            concat!("SELECT ", columns!(), " {} {} AND d.receiver IN ({}) ORDER BY d.seq FOR UPDATE OF d"),
            FROM,
            condition.sql,
            receivers.join(", ")
        );
        let found = self.read(&statement, &condition.values()).await?;
        Ok(found.into_iter().map(|(seq, _)| seq).collect())
    }

    /// The same delivery waits again.
    async fn revive(&mut self, seq: i64) -> Done<()> {
        let now = self.millis();
        let delivery = self.known(seq)?;
        let (before, receiver, ordered) = (delivery.state, delivery.receiver, delivery.ordered.clone());
        let (wait, due) = self.first_wait(receiver, ordered.as_deref(), None).await?;
        let delivery = self.delivery(seq)?;
        delivery.state = state::WAITING;
        delivery.wait = Some(wait);
        delivery.due_at = due;
        delivery.expires_at = now.saturating_add(delivery.max_age);
        delivery.uncertain |= before == state::DELIVERED;
        delivery.ended_at = None;
        delivery.superseded_by = None;
        delivery.attempts = 0;
        delivery.forgets = true;
        let lane = self.lane(receiver)?;
        lane.count(before, -1);
        lane.count(state::WAITING, 1);
        lane.ready += i64::from(wait == wait::NOTHING);
        Ok(())
    }

    /// Another delivery with the same content waits. Its event is a copy, so that the idempotency key stays with the first one.
    async fn copy(&mut self, seq: i64) -> Done<()> {
        let old = self.known(seq)?;
        let event = old.event;
        let mut new = New {
            jti: fresh_jti()?,
            event,
            receiver: old.receiver,
            wait: wait::NOTHING,
            priority: old.priority,
            enqueued_at: self.millis(),
            max_age: old.max_age,
            due_at: None,
            expires_at: self.millis().saturating_add(old.max_age),
            ordered: old.ordered.clone(),
            supersedes: old.supersedes.clone(),
        };
        let copies = self.query(COPY, &[one(&event)]).await?;
        new.event = copies.first().ok_or_else(Failed::corrupt)?.try_get(0)?;
        self.add(new).await
    }
}
