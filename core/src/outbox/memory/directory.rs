//! The streams of a memory store and their subjects, with an index for what an event asks.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
};

use super::super::{Created, StreamRecord, SubjectKeys, Tag};
use crate::error::{Error, ErrorCode, Result};

#[derive(Default)]
pub(super) struct Directory {
    streams: BTreeMap<String, Entry>,
    owners: HashMap<String, BTreeSet<String>>,
    /// Streams that want all subjects, by the URI of an event.
    general: HashMap<String, BTreeSet<String>>,
    /// Subjects that streams want, and do not want.
    wanted: Index,
    unwanted: Index,
}

struct Entry {
    record: StreamRecord,
    wanted: HashMap<Tag, SubjectKeys>,
    unwanted: HashMap<Tag, SubjectKeys>,
}

/// Subjects by their keys, and how many there are of each shape.
#[derive(Default)]
struct Index {
    /// A stream has a number where several of its subjects share a key.
    streams: HashMap<Tag, HashMap<String, usize>>,
    shapes: BTreeMap<String, usize>,
}

impl Index {
    fn add(&mut self, stream: &str, subject: &SubjectKeys) -> Result<()> {
        for key in subject.keys()? {
            *self.streams.entry(key).or_default().entry(stream.to_owned()).or_default() += 1;
        }
        *self.shapes.entry(subject.shape()).or_default() += 1;
        Ok(())
    }

    fn remove(&mut self, stream: &str, subject: &SubjectKeys) -> Result<()> {
        for key in subject.keys()? {
            if let Some(streams) = self.streams.get_mut(&key) {
                count_down(streams, stream);
                if streams.is_empty() {
                    self.streams.remove(&key);
                }
            }
        }
        let shape = subject.shape();
        if let Some(count) = self.shapes.get_mut(&shape) {
            *count -= 1;
            if *count == 0 {
                self.shapes.remove(&shape);
            }
        }
        Ok(())
    }

    /// The streams with a subject under one of the keys, of which there is one for each shape.
    fn find(&self, key: impl Fn(&str) -> Result<Option<Tag>>) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for shape in self.shapes.keys() {
            let streams = key(shape)?.and_then(|key| self.streams.get(&key));
            found.extend(streams.into_iter().flat_map(HashMap::keys).cloned());
        }
        Ok(found)
    }
}

fn count_down(streams: &mut HashMap<String, usize>, stream: &str) {
    if let Some(count) = streams.get_mut(stream) {
        *count -= 1;
        if *count == 0 {
            streams.remove(stream);
        }
    }
}

impl Directory {
    pub(super) fn create(&mut self, mut record: StreamRecord, limit: usize) -> Result<Created> {
        if self.streams.contains_key(&record.id) {
            return Err(Error::new(
                ErrorCode::OutboxConflict,
                "the outbox already has a stream with this id",
            ));
        }
        let own = self.owners.entry(record.owner.clone()).or_default();
        if own.len() >= limit {
            return Ok(Created::LimitReached);
        }
        own.insert(record.id.clone());
        record.version = 1;
        self.enter(&record);
        let entry = Entry { wanted: HashMap::new(), unwanted: HashMap::new(), record };
        self.streams.insert(entry.record.id.clone(), entry);
        Ok(Created::Yes)
    }

    pub(super) fn get(&self, id: &str) -> Option<&StreamRecord> {
        self.streams.get(id).map(|entry| &entry.record)
    }

    pub(super) fn of(&self, owner: &str) -> Vec<StreamRecord> {
        let ids = self.owners.get(owner).into_iter().flatten();
        ids.filter_map(|id| self.get(id).cloned()).collect()
    }

    /// The streams after this id.
    pub(super) fn after(&self, id: Option<&str>, limit: usize) -> Vec<StreamRecord> {
        let begin = id.map_or(Bound::Unbounded, Bound::Excluded);
        let all = self.streams.range::<str, _>((begin, Bound::Unbounded));
        all.take(limit).map(|(_, entry)| entry.record.clone()).collect()
    }

    /// Replaces a stream if its version is still that of the record.
    pub(super) fn update(&mut self, mut record: StreamRecord) -> bool {
        let Some(before) = self.get(&record.id).filter(|before| before.version == record.version).cloned()
        else {
            return false;
        };
        record.version += 1;
        record.owner.clone_from(&before.owner);
        self.leave(&before);
        self.enter(&record);
        if let Some(entry) = self.streams.get_mut(&record.id) {
            entry.record = record;
        }
        true
    }

    pub(super) fn remove(&mut self, id: &str) -> Result<bool> {
        let Some(Entry { record, wanted, unwanted }) = self.streams.remove(id) else { return Ok(false) };
        self.leave(&record);
        for subject in wanted.values() {
            self.wanted.remove(id, subject)?;
        }
        for subject in unwanted.values() {
            self.unwanted.remove(id, subject)?;
        }
        if let Some(own) = self.owners.get_mut(&record.owner) {
            own.remove(id);
            if own.is_empty() {
                self.owners.remove(&record.owner);
            }
        }
        Ok(true)
    }

    fn enter(&mut self, record: &StreamRecord) {
        for event in record.events.iter().filter(|_| record.all_subjects) {
            self.general.entry(event.clone()).or_default().insert(record.id.clone());
        }
    }

    fn leave(&mut self, record: &StreamRecord) {
        for event in &record.events {
            if let Some(streams) = self.general.get_mut(event) {
                streams.remove(&record.id);
                if streams.is_empty() {
                    self.general.remove(event);
                }
            }
        }
    }

    /// Keeps what a stream says of a subject, where it is not what the stream does by default. Not beyond the limit.
    pub(super) fn set_subject(
        &mut self,
        id: &str,
        subject: &SubjectKeys,
        wanted: bool,
        limit: usize,
    ) -> Result<bool> {
        let Some(entry) = self.streams.get_mut(id) else { return Ok(true) };
        let identity = subject.identity();
        let is_kept = entry.wanted.contains_key(&identity) || entry.unwanted.contains_key(&identity);
        let is_new = wanted != entry.record.all_subjects && !is_kept;
        if is_new && entry.wanted.len() + entry.unwanted.len() >= limit {
            return Ok(false);
        }
        let sides = [
            (&mut entry.wanted, &mut self.wanted, wanted && !entry.record.all_subjects),
            (&mut entry.unwanted, &mut self.unwanted, !wanted && entry.record.all_subjects),
        ];
        for (own, index, belongs) in sides {
            if let Some(before) = own.get(&identity).filter(|_| !belongs) {
                index.remove(id, before)?;
                own.remove(&identity);
            } else if belongs && !own.contains_key(&identity) {
                index.add(id, subject)?;
                own.insert(identity, subject.clone());
            }
        }
        Ok(true)
    }

    /// The streams that want an event about a subject, and keep what they get.
    pub(super) fn choose(&self, event: &str, subject: Option<&SubjectKeys>) -> Result<Vec<String>> {
        let mut chosen = self.general.get(event).cloned().unwrap_or_default();
        if let Some(subject) = subject {
            for stream in self.unwanted.find(|shape| subject.key_within(shape))? {
                chosen.remove(&stream);
            }
            let wanting = self.wanted.find(|shape| subject.key_for(shape))?;
            let wants = |id: &String| {
                self.get(id).is_some_and(|record| record.events.iter().any(|other| other == event))
            };
            chosen.extend(wanting.into_iter().filter(wants));
        }
        let keeps = |id: &String| self.get(id).is_some_and(StreamRecord::keeps);
        Ok(chosen.into_iter().filter(keeps).collect())
    }
}
