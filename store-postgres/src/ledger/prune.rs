//! What is removed.

use ssf_transmitter::outbox::{Pruned, Retention, State};

use super::{Ledger, Operation};
use crate::{
    codec::{numbers, signed, unsigned},
    failed::Done,
    values::{each, one},
};

/// One transaction at a time removes, so that two do not wait for each other.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema || ' prune', 0))";
/// Removes deliveries, and returns their events.
const OLD: &str = "
    WITH old AS MATERIALIZED (
        SELECT seq FROM deliveries WHERE state = $1 AND ended_at <= $2 ORDER BY ended_at LIMIT $3 FOR UPDATE SKIP LOCKED
    ), attempted AS (
        DELETE FROM attempts a USING old WHERE a.delivery = old.seq
    )
    DELETE FROM deliveries d USING old WHERE d.seq = old.seq RETURNING d.event";
const EVENTS: &str = "
    WITH gone AS MATERIALIZED (SELECT event, count(*) AS deliveries FROM unnest($1) AS n (event) GROUP BY event)
    UPDATE events e SET kept = kept - gone.deliveries FROM gone WHERE e.id = gone.event";
const REFUSED: &str = "
    DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE refused_at <= $1 ORDER BY refused_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
const EMPTY: &str = "DELETE FROM events WHERE id = ANY($1) AND kept <= 0";

impl Operation for Retention {
    type Output = Pruned;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Pruned> {
        let alone = ledger.query(LOCK, &[]).await?;
        if !alone.first().is_some_and(|row| row.try_get(0).unwrap_or(false)) {
            return Ok(Pruned::default());
        }
        let (mut events, limit) = (Vec::<i64>::new(), signed(self.limit));
        for state in State::ALL {
            let Some(kept) = self.of(*state) else { continue };
            let before = ledger.now.minus(kept).as_unix_millis();
            for number in numbers(*state) {
                let left = limit - signed(events.len());
                for row in ledger.query(OLD, &[one(number), one(&before), one(&left)]).await? {
                    events.push(row.try_get(0)?);
                }
            }
        }
        if !events.is_empty() {
            ledger.execute(EVENTS, &[each(&events)]).await?;
            ledger.execute(EMPTY, &[each(&events)]).await?;
        }
        if let Some(kept) = self.of(State::Dead) {
            // Nobody can replay them, but they tell as much as a dead delivery.
            let before = ledger.now.minus(kept).as_unix_millis();
            ledger.execute(REFUSED, &[one(&before), one(&limit)]).await?;
        }
        let removed = signed(events.len());
        Ok(Pruned::new(unsigned(removed)?, removed == limit))
    }
}
