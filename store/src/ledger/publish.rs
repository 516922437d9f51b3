//! Events for streams. An event asks an index once for each shape of subjects, and not each stream.

use std::collections::BTreeSet;

use rusqlite::params;
use ssf_transmitter::outbox::{Publication, Published, Tag, fresh_jti};

use super::{
    Ledger,
    delivery::{Delivery, columns},
    endings::Ending,
};
use crate::failed::Done;

/// Those of all subjects.
const GENERAL: &str = "SELECT receiver FROM stream_events WHERE event = ?1 AND all_subjects = 1";
/// Each question skips to the next value, however many rows have the same one.
const SHAPES: &str = "
    WITH RECURSIVE shapes (shape) AS (
        SELECT (SELECT min(shape) FROM stream_subjects INDEXED BY stream_subjects_key WHERE wanted = ?1)
        UNION ALL
        SELECT (SELECT min(s.shape) FROM stream_subjects s INDEXED BY stream_subjects_key WHERE s.wanted = ?1 AND s.shape > shapes.shape)
        FROM shapes WHERE shapes.shape IS NOT NULL
    )
    SELECT shape FROM shapes WHERE shape IS NOT NULL";
const UNWANTED: &str = "
    SELECT receiver FROM stream_subjects INDEXED BY stream_subjects_key WHERE wanted = 0 AND shape = ?1 AND key = ?2";
const WANTED: &str = "
    SELECT s.receiver FROM stream_subjects s INDEXED BY stream_subjects_key WHERE s.wanted = 1 AND s.shape = ?1 AND s.key = ?2
        AND EXISTS (SELECT 1 FROM stream_events e WHERE e.event = ?3 AND e.all_subjects IN (0, 1) AND e.receiver = s.receiver)";
const LOWEST: &str = "
    SELECT priority FROM deliveries INDEXED BY deliveries_ready WHERE receiver = ?1 AND wait = 0 ORDER BY priority LIMIT 1";
const OLDEST_READY: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries d INDEXED BY deliveries_ready WHERE d.receiver = ?1 AND d.wait = 0 AND d.priority = ?2 ORDER BY d.seq LIMIT 1"
);
const OLDEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM deliveries d INDEXED BY deliveries_of WHERE d.receiver = ?1 AND d.state = 0 AND d.lease_until IS NULL ORDER BY d.seq LIMIT 1"
);

/// The statements with which a publication finds what it concerns, for the test of their plans.
#[doc(hidden)]
pub fn publish_statements() -> Vec<&'static str> {
    vec![GENERAL, SHAPES, UNWANTED, WANTED, LOWEST, OLDEST_READY, OLDEST]
}

impl Ledger<'_> {
    pub(crate) fn publish(&mut self, publication: &Publication) -> Done<Published> {
        let message = &publication.message;
        if let Some(known) = self.known(message)? {
            return Ok(Published::new(known.jtis, 0, true));
        }
        let streams = self.streams_for(publication)?;
        let named = message.deliveries.iter().map(|delivery| delivery.jti.clone());
        let mut jtis: Vec<_> = named.collect();
        for _ in &streams {
            jtis.push(fresh_jti()?);
        }
        if jtis.is_empty() {
            return Ok(Published::default());
        }
        let event = self.add_event(message, &jtis)?;
        let (named, own) = jtis.split_at(message.deliveries.len());
        for (delivery, jti) in message.deliveries.iter().zip(named) {
            let receiver = self.receiver(&delivery.receiver)?;
            self.add_of(message, event, receiver, jti, message.ordered)?;
        }
        for (receiver, jti) in streams.iter().zip(own) {
            if self.lane(*receiver)?.counts.waiting >= publication.most_waiting
                && let Some(oldest) = self.oldest(*receiver)?
            {
                self.end(&oldest, Ending::Superseded(jti.clone()))?;
            }
            self.add_of(message, event, *receiver, jti, publication.ordered)?;
        }
        Ok(Published::new(jtis, streams.len() as u64, false))
    }

    /// The receivers of the streams that get a publication.
    fn streams_for(&self, publication: &Publication) -> Done<BTreeSet<i64>> {
        if let Some(stream) = &publication.only {
            return Ok(self
                .stream_with_receiver(stream)?
                .map(|(receiver, _)| receiver)
                .into_iter()
                .collect());
        }
        let event = &publication.event;
        let receiver = |row: &rusqlite::Row<'_>| -> Done<i64> { Ok(row.get(0)?) };
        let mut chosen: BTreeSet<_> = self.all(GENERAL, [event], receiver)?.into_iter().collect();
        let Some(subject) = &publication.subject else { return Ok(chosen) };
        for (shape, key) in self.keys(false, |shape| subject.key_within(shape))? {
            for unwanted in self.all(UNWANTED, params![shape, key.as_bytes()], receiver)? {
                chosen.remove(&unwanted);
            }
        }
        for (shape, key) in self.keys(true, |shape| subject.key_for(shape))? {
            chosen.extend(self.all(WANTED, params![shape, key.as_bytes(), event], receiver)?);
        }
        Ok(chosen)
    }

    /// The keys to ask with, one for each shape of the subjects that streams want, or do not want.
    fn keys(
        &self,
        wanted: bool,
        key: impl Fn(&str) -> Result<Option<Tag>, ssf_transmitter::Error>,
    ) -> Done<Vec<(String, Tag)>> {
        let mut keys = Vec::new();
        for shape in self.all(SHAPES, [wanted], |row| Ok(row.get::<_, String>(0)?))? {
            if let Some(key) = key(&shape)? {
                keys.push((shape, key));
            }
        }
        Ok(keys)
    }

    /// The oldest delivery that is ready, of the lowest priority; the oldest one that waits if none is ready.
    fn oldest(&self, receiver: i64) -> Done<Option<Delivery>> {
        let lowest: Option<i64> = self.first(LOWEST, [receiver], |row| row.get(0))?;
        let found = match lowest {
            Some(lowest) => self.all(OLDEST_READY, params![receiver, lowest], Delivery::read)?,
            None => self.all(OLDEST, [receiver], Delivery::read)?,
        };
        Ok(found.into_iter().next())
    }
}
