//! Events for streams: one event, and a delivery for each stream that wants it.

use std::collections::{HashMap, HashSet};

use ssf_transmitter::outbox::{
    Enqueued, MessageDelivery, Mode, Publication, Published, fresh_jti, stream_receiver,
};

use super::{
    Ledger, Operation,
    delivery::{Delivery, New, columns},
    endings::Ending,
    enqueue::Accepted,
    lane::Lane,
};
use crate::{
    codec::signed,
    failed::{Done, Failed},
    values::{each, one},
};

const ONLY: &str = "SELECT id FROM streams WHERE id = $1";
/// Each shape of subjects once, by leaps through the index.
const SHAPES: &str = "
    WITH RECURSIVE shapes AS (
        (SELECT wanted, shape FROM stream_subjects ORDER BY wanted, shape LIMIT 1)
        UNION ALL
        SELECT n.wanted, n.shape FROM shapes s CROSS JOIN LATERAL (
            SELECT t.wanted, t.shape FROM stream_subjects t WHERE (t.wanted, t.shape) > (s.wanted, s.shape)
            ORDER BY t.wanted, t.shape LIMIT 1
        ) n
    )
    SELECT wanted, shape FROM shapes";
/// Streams that want all subjects but not this one, and those that want this one.
const ROUTE: &str = "
    SELECT s.id FROM streams s WHERE s.receiver IN (
        SELECT g.receiver FROM stream_events g WHERE g.event = $1 AND g.all_subjects AND NOT EXISTS (
            SELECT FROM unnest($4, $5) AS q (shape, key)
            JOIN stream_subjects n ON NOT n.wanted AND n.shape = q.shape AND n.key = q.key AND n.receiver = g.receiver
        )
        UNION
        SELECT w.receiver FROM unnest($2, $3) AS q (shape, key)
        JOIN stream_subjects w ON w.wanted AND w.shape = q.shape AND w.key = q.key
        JOIN stream_events e ON e.receiver = w.receiver AND e.event = $1
    )
    ORDER BY s.id";
/// Of these streams, those that keep what they get: the others were disabled or deleted meanwhile.
const KEEPING: &str = "SELECT count(*) FROM streams WHERE id = ANY($1) AND (status <> 'disabled' OR $2)";
/// In each receiver, the oldest delivery that is ready, of the lowest priority; the oldest one that waits if none is ready.
const OLDEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM unnest($1) AS f (receiver)
    LEFT JOIN LATERAL (
        SELECT priority FROM deliveries l WHERE l.receiver = f.receiver AND l.wait = 0
        ORDER BY l.priority, l.seq DESC LIMIT 1
    ) lowest ON true
    LEFT JOIN LATERAL (
        SELECT seq FROM deliveries w WHERE w.receiver = f.receiver AND w.wait = 0 AND w.priority = lowest.priority
        ORDER BY w.priority DESC, w.seq LIMIT 1
    ) ready ON true
    JOIN deliveries d ON d.seq = coalesce(
        ready.seq, (SELECT min(w.seq) FROM deliveries w WHERE w.receiver = f.receiver AND w.state = 0)
    )"
);
const SUPERSEDED: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries d WHERE d.receiver = ANY($1) AND d.supersedes = $2 AND d.state = 0 ORDER BY d.seq"
);
const FOLLOWED: &str = "
    SELECT DISTINCT receiver FROM deliveries WHERE receiver = ANY($1) AND ordered = $2 AND state <= 1";

/// Accepts an event for streams, and for the receivers that it names.
pub(crate) struct Publish(pub(crate) Publication);

impl Operation for Publish {
    type Output = Published;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Published> {
        let publication = &self.0;
        let id = match ledger.judge(&publication.message).await? {
            Ok(Enqueued { jtis, .. }) => return Ok(Published::new(jtis, 0, true)),
            Err(id) => id,
        };
        let streams = ledger.route(publication).await?;
        let mut message = publication.message.clone();
        let named = message.deliveries.len();
        for stream in &streams {
            message.deliveries.push(MessageDelivery::new(fresh_jti()?, stream_receiver(stream)));
        }
        if message.deliveries.is_empty() {
            return Ok(Published::default());
        }
        let accepted: Accepted<'_> = (&message, ledger.now, id);
        let receivers = message.deliveries.iter().map(|delivery| delivery.receiver.clone()).collect();
        ledger.lock_names(receivers).await?;
        ledger.add_event(accepted)?;
        ledger.check_streams(&streams, publication.only.is_some()).await?;
        let (to_named, to_streams) = message.deliveries.split_at(named);
        // The receivers that the entry names keep the order only if the entry says so.
        for delivery in to_named {
            let new = ledger.new_of(accepted, delivery, message.ordered)?;
            ledger.add(new).await?;
        }
        let new = to_streams.iter().map(|delivery| ledger.new_of(accepted, delivery, publication.ordered));
        let new = new.collect::<Done<Vec<_>>>()?;
        ledger.add_to_streams(new, publication.most_waiting).await?;
        let jtis = message.deliveries.into_iter().map(|delivery| delivery.jti).collect();
        Ok(Published::new(jtis, streams.len() as u64, false))
    }
}

impl Ledger<'_> {
    /// The streams that get a publication.
    async fn route(&self, publication: &Publication) -> Done<Vec<String>> {
        let rows = if let Some(only) = &publication.only {
            self.query(ONLY, &[one(only)]).await?
        } else {
            let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
            if let Some(subject) = &publication.subject {
                for row in self.query(SHAPES, &[]).await? {
                    let shape: String = row.try_get(1)?;
                    if row.try_get(0)? {
                        wanted.extend(subject.key_for(&shape)?.map(|key| (shape, key.as_bytes().to_vec())));
                    } else {
                        unwanted
                            .extend(subject.key_within(&shape)?.map(|key| (shape, key.as_bytes().to_vec())));
                    }
                }
            }
            let (wanted, wanted_keys): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
            let (unwanted, unwanted_keys): (Vec<_>, Vec<_>) = unwanted.into_iter().unzip();
            let values = [
                one(&publication.event),
                each(&wanted),
                each(&wanted_keys),
                each(&unwanted),
                each(&unwanted_keys),
            ];
            self.query(ROUTE, &values).await?
        };
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Begins again if a stream that is locked now keeps nothing any more. `all` also takes disabled ones.
    async fn check_streams(&mut self, streams: &[String], all: bool) -> Done<()> {
        let mut doubtful = Vec::new();
        for stream in streams {
            let lane = self.id(&stream_receiver(stream))?;
            // Where the receiver of a deleted stream is gone, there is a new one now.
            let is_doubtful = |lane: &Lane| lane.state.mode == Mode::Suspended || lane.counts.enqueued == 0;
            if self.lanes.get(&lane).is_some_and(is_doubtful) {
                doubtful.push(&**stream);
            }
        }
        if doubtful.is_empty() {
            return Ok(());
        }
        let rows = self.query(KEEPING, &[each::<&str>(&doubtful), one(&all)]).await?;
        let keeping: i64 = rows.first().ok_or_else(Failed::corrupt)?.try_get(0)?;
        if keeping < signed(doubtful.len()) { Err(Failed::Again) } else { Ok(()) }
    }

    /// Adds deliveries of one event, each to another receiver, with as many statements as for one.
    async fn add_to_streams(&mut self, mut new: Vec<New>, most_waiting: u64) -> Done<()> {
        let Some(first) = new.first() else { return Ok(()) };
        let (ordered, supersedes) = (first.ordered.clone(), first.supersedes.clone());
        let receivers: Vec<_> = new.iter().map(|new| new.receiver).collect();
        let is_full =
            |lane: &i64| self.lanes.get(lane).is_some_and(|lane| lane.counts.waiting >= most_waiting);
        let full = receivers.iter().copied().filter(is_full).collect();
        self.replace(&new, OLDEST, full, None).await?;
        if supersedes.is_some() {
            self.replace(&new, SUPERSEDED, receivers.clone(), supersedes).await?;
        }
        let mut followed = HashSet::new();
        if let Some(ordered) = ordered {
            self.write_deliveries().await?;
            for row in self.query(FOLLOWED, &[each(&receivers), one(&ordered)]).await? {
                followed.insert(row.try_get::<_, i64>(0)?);
            }
        }
        for new in &mut new {
            (new.wait, new.due_at) = self.wait_of(followed.contains(&new.receiver), new.due_at);
        }
        new.into_iter().try_for_each(|new| self.push(new))
    }

    /// Discards what a statement finds in these receivers, in favour of what is new there.
    async fn replace(
        &mut self,
        new: &[New],
        statement: &str,
        receivers: Vec<i64>,
        supersedes: Option<Vec<u8>>,
    ) -> Done<()> {
        if receivers.is_empty() {
            return Ok(());
        }
        let mut values = vec![each(&receivers)];
        values.extend(supersedes.as_ref().map(one));
        let found = self.read(statement, &values).await?;
        let by: HashMap<_, _> = new.iter().map(|new| (new.receiver, &*new.jti)).collect();
        let mut turns = Vec::new();
        for (seq, _) in found {
            let Delivery { receiver, .. } = self.known(seq)?;
            let by = by.get(receiver).copied().unwrap_or_default().to_owned();
            turns.extend(self.end_alone(seq, Ending::Superseded(by))?);
        }
        self.let_next(&turns).await
    }
}
