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
/// Those that stood for streams. All of their deliveries ended when the streams were deleted, unless somebody has replayed them.
const DELETED: &str =
    "SELECT id FROM receivers WHERE deleted_at <= $1 ORDER BY deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED";
const FORGET: &str = "
    DELETE FROM receivers r WHERE r.id = ANY($1) AND NOT EXISTS (SELECT FROM deliveries d WHERE d.receiver = r.id)";
/// No index has the deliveries of a receiver that have ended: what is left is not looked at again soon.
const POSTPONE: &str = "UPDATE receivers SET deleted_at = $2 WHERE id = ANY($1)";
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
        if removed < limit {
            ledger.forget_deleted(self).await?;
        }
        Ok(Pruned::new(unsigned(removed)?, removed == limit))
    }
}

impl Ledger<'_> {
    /// Removes the receivers of streams that were deleted so long ago that none of their deliveries is kept.
    async fn forget_deleted(&self, retention: &Retention) -> Done<()> {
        let longest = State::ALL.iter().filter_map(|state| retention.of(*state)).max().unwrap_or_default();
        let before = self.now.minus(longest).as_unix_millis();
        let rows = self.query(DELETED, &[one(&before), one(&signed(retention.limit))]).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let deleted = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i64>, _>>()?;
        self.execute(FORGET, &[each(&deleted)]).await?;
        self.execute(POSTPONE, &[each(&deleted), one(&self.millis())]).await?;
        Ok(())
    }
}
