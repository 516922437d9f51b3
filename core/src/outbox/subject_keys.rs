//! Subjects as a store compares them: tags in place of values, and keys for an index.

use serde::{Deserialize, Serialize};

use super::{Content, Seal, Tag};
use crate::{
    error::{Error, ErrorCode, Result},
    subject::Subject,
};

/// The most members of a complex subject that a stream can add: each subset of them is a key of the index.
const MAX_MEMBERS: usize = 6;
/// Separates the names of members in a shape.
const SEPARATOR: char = '\n';

/// A subject as a store compares it (SSF 1.0 §8.1.3.1). It contains no value of the subject.
///
/// Two simple subjects match if they are identical. Two complex ones match if all members are identical that both have: a member
/// that one of them lacks is not compared. So subjects with different members may match, and equality alone finds none of them. An index
/// finds them nevertheless:
///
/// * Each added subject has a [shape](Self::shape), the names of its members, and one [key](Self::keys) for each subset of them.
/// * An event asks with one key for each shape that any stream has: [`key_for`](Self::key_for).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SubjectKeys {
    identity: Tag,
    /// Of a complex subject, by name.
    members: Option<Vec<(String, Tag)>>,
}

impl SubjectKeys {
    /// The keys of a subject. `seal` is the one of the outbox, if it has one.
    pub fn of(seal: Option<&Seal>, subject: &Subject) -> Result<Self> {
        let identity = Seal::subject_tag(seal, subject)?;
        if subject.format() != "complex" {
            return Ok(Self { identity, members: None });
        }
        let parts = subject.members().iter().filter_map(|(name, value)| Some((name, value.as_object()?)));
        let members = parts.map(|(name, value)| {
            let part = Subject::from_members(value.clone());
            let tag = Seal::tag(seal, "member", Content::canonical(&part).as_bytes())?;
            Ok((name.clone(), tag))
        });
        let mut members = members.collect::<Result<Vec<_>>>()?;
        members.sort();
        Ok(Self { identity, members: Some(members) })
    }

    /// Refuses what a stream cannot add: a complex subject with more than six members.
    pub fn check(&self) -> Result<()> {
        let members = self.members.as_ref().map_or(0, Vec::len);
        if members > MAX_MEMBERS {
            let message = format!("a subject of a stream has {MAX_MEMBERS} members at most");
            return Err(Error::new(ErrorCode::SubjectMemberValue, message));
        }
        Ok(())
    }

    /// Identifies the subject among those of its stream.
    pub fn identity(&self) -> Tag {
        self.identity
    }

    /// The names of the members of a complex subject; empty for a simple one.
    pub fn shape(&self) -> String {
        let names: Vec<_> = self.members.iter().flatten().map(|(name, _)| name.as_str()).collect();
        names.join(&SEPARATOR.to_string())
    }

    /// Under these keys, an index has the subject.
    pub fn keys(&self) -> Result<Vec<Tag>> {
        let Some(members) = &self.members else { return Ok(vec![self.identity]) };
        let shape = self.shape();
        let subsets = 0..1_u32 << members.len().min(MAX_MEMBERS);
        let subset = |bits: u32| members.iter().enumerate().filter(move |(at, _)| bits & 1 << at != 0);
        subsets.map(|bits| key(&shape, subset(bits).map(|(_, member)| member))).collect()
    }

    /// Under this key, an index has the subjects of this shape that match this one; `None` if none of them can.
    pub fn key_for(&self, shape: &str) -> Result<Option<Tag>> {
        match (&self.members, shape.is_empty()) {
            (None, true) => Ok(Some(self.identity)),
            (Some(members), false) => {
                let shared = members.iter().filter(|(name, _)| names(shape).any(|other| other == name));
                key(shape, shared).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Under this key, an index has the subjects of this shape that include this one: it has all their members. `None` if none of
    /// them can.
    pub fn key_within(&self, shape: &str) -> Result<Option<Tag>> {
        let has = |name: &str| self.members.iter().flatten().any(|(own, _)| own == name);
        if names(shape).all(has) { self.key_for(shape) } else { Ok(None) }
    }

    /// Whether the subjects match.
    pub fn matches(&self, other: &Self) -> bool {
        match (&self.members, &other.members) {
            (None, None) => self.identity == other.identity,
            (Some(one), Some(other)) => one.iter().all(|(name, tag)| {
                other.iter().find(|(same, _)| same == name).is_none_or(|(_, other)| other == tag)
            }),
            _ => false,
        }
    }
}

fn names(shape: &str) -> impl Iterator<Item = &str> {
    shape.split(SEPARATOR).filter(|name| !name.is_empty())
}

/// The key of some members of a subject with this shape. The tags are keyed already where there is a seal.
fn key<'a>(shape: &str, members: impl Iterator<Item = &'a (String, Tag)>) -> Result<Tag> {
    let mut input = shape.as_bytes().to_vec();
    for (name, tag) in members {
        input.push(0);
        input.extend_from_slice(name.as_bytes());
        input.push(0);
        input.extend_from_slice(tag.as_bytes());
    }
    Seal::tag(None, "subject key", &input)
}
