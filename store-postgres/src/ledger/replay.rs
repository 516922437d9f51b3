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
    values::{Typed, each, one},
};

/// The deliveries that a filter selects.
const FROM: &str =
    "FROM deliveries d JOIN events e ON e.id = d.event JOIN receivers r ON r.id = d.receiver WHERE";
const NUMBERS: &str = "SELECT nextval('events_id_seq') FROM generate_series(1, $1)";
const COPY: &str = "
    INSERT INTO events (id, kept, event, subject, fingerprint, payload)
    SELECT n.id, 1, e.event, e.subject, e.fingerprint, e.payload FROM unnest($1, $2) AS n (id, old) JOIN events e ON e.id = n.old";
/// How many deliveries are in memory at once.
const PAGE: usize = 10_000;

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
        let mut selection = ledger.select(condition).await?;
        while let Some(page) = ledger.next_page(&mut selection).await? {
            if self.fresh_jti {
                ledger.copy(&page).await?;
            } else {
                for seq in page {
                    ledger.revive(seq).await?;
                }
            }
        }
        unsigned(signed(selection.count))
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
        let mut selection = ledger.select(condition).await?;
        while let Some(page) = ledger.next_page(&mut selection).await? {
            for seq in page {
                ledger.end(seq, Ending::Removed).await?;
            }
        }
        unsigned(signed(selection.count))
    }
}

/// Deliveries that a condition selects, whose receivers are locked.
struct Selection {
    condition: Condition,
    /// The number of the last one of the page before.
    after: i64,
    count: usize,
}

impl Ledger<'_> {
    async fn number_of(&self, condition: &Condition) -> Done<u64> {
        let statement = format!("SELECT count(*) {FROM} {}", condition.sql);
        let rows = self.query(&statement, &condition.values()).await?;
        unsigned(rows.first().ok_or_else(Failed::corrupt)?.try_get(0)?)
    }

    /// Locks the receivers of the deliveries that a condition selects.
    async fn select(&mut self, mut condition: Condition) -> Done<Selection> {
        let receivers = format!(
            concat!(
                "SELECT ",
                lane::columns!(),
                " FROM receivers WHERE id IN (SELECT d.receiver {} {}) ORDER BY id FOR UPDATE"
            ),
            FROM, condition.sql
        );
        let receivers = self.lock(&receivers, &condition.values()).await?;
        // Others may have got such deliveries meanwhile.
        condition.add("d.receiver = ANY(?)", Box::new(receivers), i64::ARRAY);
        Ok(Selection { condition, after: 0, count: 0 })
    }

    /// Reads and locks the next deliveries of a selection, after it has written those before and let go of them: a transaction of a
    /// million needs the memory of a page.
    async fn next_page(&mut self, selection: &mut Selection) -> Done<Option<Vec<i64>>> {
        self.write_deliveries().await?;
        self.deliveries.clear();
        let (condition, after) = (&selection.condition, selection.after);
        let mut values = condition.values();
        values.push(one(&after));
        let statement = format!(
            concat!("SELECT ", columns!(), " {} {} AND d.seq > ${} ORDER BY d.seq LIMIT {} FOR UPDATE OF d"),
            FROM,
            condition.sql,
            values.len(),
            PAGE
        );
        let found = self.read(&statement, &values).await?;
        let page: Vec<_> = found.into_iter().map(|(seq, _)| seq).collect();
        let Some(last) = page.last() else { return Ok(None) };
        selection.after = *last;
        selection.count += page.len();
        Ok(Some(page))
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

    /// Other deliveries with the same content wait. Their events are copies, so that the idempotency keys stay with the first ones.
    async fn copy(&mut self, page: &[i64]) -> Done<()> {
        let count = i32::try_from(page.len()).unwrap_or(i32::MAX);
        let numbers = self.query(NUMBERS, &[one(&count)]).await?;
        let events = numbers.iter().map(|row| Ok(row.try_get(0)?)).collect::<Done<Vec<i64>>>()?;
        let old = page.iter().map(|seq| Ok(self.known(*seq)?.event)).collect::<Done<Vec<_>>>()?;
        if self.execute(COPY, &[each(&events), each(&old)]).await? < page.len() as u64 {
            return Err(Failed::corrupt());
        }
        let now = self.millis();
        for (seq, event) in page.iter().zip(events) {
            let old = self.known(*seq)?;
            let new = New {
                jti: fresh_jti()?,
                event,
                receiver: old.receiver,
                wait: wait::NOTHING,
                priority: old.priority,
                enqueued_at: now,
                max_age: old.max_age,
                due_at: None,
                expires_at: now.saturating_add(old.max_age),
                ordered: old.ordered.clone(),
                supersedes: old.supersedes.clone(),
            };
            self.add(new).await?;
        }
        Ok(())
    }
}
