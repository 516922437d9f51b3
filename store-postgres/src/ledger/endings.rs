//! How deliveries end, and how they come back.

use super::{Ledger, delivery::columns};
use crate::{
    codec::{state, wait},
    failed::Done,
    values::{each, one},
};

/// How a delivery ends.
pub(super) enum Ending {
    Delivered,
    Dead,
    Expired,
    /// The `jti` of the newer one.
    Superseded(String),
    Removed,
}

/// A receiver, and what its deliveries have in common that go one after the other.
pub(super) type Turn = (i64, Vec<u8>);

const FIRST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries d WHERE d.receiver = $1 AND d.ordered = $2 AND d.state <= 1 ORDER BY d.seq LIMIT 1"
);
/// The same for several receivers and values.
const FIRSTS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM unnest($1, $2) AS g (receiver, ordered)
    CROSS JOIN LATERAL (
        SELECT seq FROM deliveries w
        WHERE w.receiver = g.receiver AND w.ordered = g.ordered AND w.state <= 1 ORDER BY w.seq LIMIT 1
    ) first
    JOIN deliveries d ON d.seq = first.seq"
);
const NEWER: &str = "
    SELECT jti FROM deliveries WHERE receiver = $1 AND supersedes = $2 AND state <= 2 AND seq > $3 ORDER BY seq DESC LIMIT 1";
const OLDER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries d WHERE d.receiver = $1 AND d.supersedes = $2 AND d.state = 0 ORDER BY d.seq"
);

impl Ledger<'_> {
    pub(super) async fn end(&mut self, seq: i64, ending: Ending) -> Done<()> {
        match self.end_alone(seq, ending)? {
            Some(turn) => self.let_next(&[turn]).await,
            None => Ok(()),
        }
    }

    /// Ends a delivery, and leaves it to the caller to let the next one go.
    pub(super) fn end_alone(&mut self, seq: i64, ending: Ending) -> Done<Option<Turn>> {
        let (number, by) = match ending {
            Ending::Delivered => (state::DELIVERED, None),
            Ending::Dead => (state::DEAD, None),
            Ending::Expired => (state::EXPIRED, None),
            Ending::Superseded(by) => (state::SUPERSEDED, Some(by)),
            Ending::Removed => (state::REMOVED, None),
        };
        let now = self.millis();
        let delivery = self.delivery(seq)?;
        let before = std::mem::replace(&mut delivery.state, number);
        let waited = delivery.wait.take();
        delivery.due_at = None;
        delivery.lease_until = None;
        delivery.ended_at = Some(now);
        delivery.superseded_by = by;
        delivery.forgets = true;
        let (receiver, ordered) = (delivery.receiver, delivery.ordered.clone());
        let lane = self.lane(receiver)?;
        lane.count(before, -1);
        lane.count(number, 1);
        lane.ready -= i64::from(waited == Some(wait::NOTHING));
        // One that waited for its own turn does not let the next one go.
        Ok(ordered.filter(|_| waited != Some(wait::TURN)).map(|ordered| (receiver, ordered)))
    }

    /// In each order, the first one that waits for its turn is next.
    pub(super) async fn let_next(&mut self, turns: &[Turn]) -> Done<()> {
        if turns.is_empty() {
            return Ok(());
        }
        let (receivers, orders) = turns.iter().map(|(receiver, ordered)| (*receiver, &**ordered)).unzip();
        for (next, _) in self.read(FIRSTS, &[each(&receivers), each::<&[u8]>(&orders)]).await? {
            let delivery = self.known(next)?;
            if delivery.wait == Some(wait::TURN) {
                let due = delivery.due_at;
                self.wait_until_due(next, due)?;
            }
        }
        Ok(())
    }

    /// The first ordered delivery that has not ended.
    pub(super) async fn first_in_order(&mut self, receiver: i64, ordered: &[u8]) -> Done<Option<i64>> {
        let found = self.read(FIRST, &[one(&receiver), one(&ordered)]).await?;
        Ok(found.first().map(|(seq, _)| *seq))
    }

    /// A delivery waits until this time, or for nothing.
    pub(super) fn wait_until_due(&mut self, seq: i64, due: Option<i64>) -> Done<()> {
        let due = due.filter(|time| *time > self.millis());
        let delivery = self.delivery(seq)?;
        delivery.state = state::WAITING;
        delivery.wait = Some(if due.is_some() { wait::TIME } else { wait::NOTHING });
        delivery.due_at = due;
        delivery.lease_until = None;
        let receiver = delivery.receiver;
        self.lane(receiver)?.ready += i64::from(due.is_none());
        Ok(())
    }

    /// A delivery comes back from a worker.
    pub(super) async fn wait_again(&mut self, seq: i64, due: Option<i64>) -> Done<()> {
        let delivery = self.known(seq)?;
        let (before, receiver) = (delivery.state, delivery.receiver);
        if let Some(supersedes) = delivery.supersedes.clone() {
            self.write_deliveries().await?;
            let newer = self.query(NEWER, &[one(&receiver), one(&supersedes), one(&seq)]).await?;
            if let Some(newer) = newer.first() {
                return self.end(seq, Ending::Superseded(newer.try_get(0)?)).await;
            }
        }
        let lane = self.lane(receiver)?;
        lane.count(before, -1);
        lane.count(state::WAITING, 1);
        self.wait_until_due(seq, due)
    }

    /// Discards what waits and has the same key as a new delivery.
    pub(super) async fn supersede(&mut self, receiver: i64, supersedes: &[u8], by: &str) -> Done<()> {
        for (older, _) in self.read(OLDER, &[one(&receiver), one(&supersedes)]).await? {
            self.end(older, Ending::Superseded(by.to_owned())).await?;
        }
        Ok(())
    }
}
