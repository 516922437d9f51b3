//! What is accepted.

use rusqlite::params;
use ssf_transmitter::{
    ErrorCode, Timestamp,
    outbox::{Enqueued, Message, Tag},
};

use super::Ledger;
use crate::{
    codec::{duration_millis, json, millis, parse, state, wait},
    failed::{Done, Failed},
};

const KNOWN: &str = "SELECT fingerprint, jtis FROM events WHERE idempotency = ?1";
const EVENT: &str = "
    INSERT INTO events (kept, event, subject, idempotency, fingerprint, jtis, max_age, payload)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const DELIVERY: &str = "
    INSERT INTO deliveries (jti, event, receiver, state, wait, priority, enqueued_at, due_at, expires_at, token, attempts, uncertain,
        ordered, supersedes)
    VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, 0, 0, 0, ?9, ?10)
    ON CONFLICT (jti) DO NOTHING";

pub(super) fn conflict(message: &str) -> Failed {
    Failed::new(ErrorCode::OutboxConflict, message)
}

/// A delivery that is not in the table yet.
pub(super) struct New<'a> {
    pub(super) jti: &'a str,
    pub(super) event: i64,
    pub(super) receiver: i64,
    pub(super) priority: u8,
    pub(super) enqueued_at: Timestamp,
    pub(super) not_before: Option<Timestamp>,
    pub(super) expires_at: Timestamp,
    pub(super) ordered: Option<&'a [u8]>,
    pub(super) supersedes: Option<&'a [u8]>,
}

impl Ledger<'_> {
    pub(crate) fn enqueue(&mut self, messages: &[Message]) -> Done<Vec<Enqueued>> {
        messages.iter().map(|message| self.accept(message)).collect()
    }

    fn accept(&mut self, message: &Message) -> Done<Enqueued> {
        if let Some(known) = self.known(message)? {
            return Ok(known);
        }
        let jtis: Vec<_> = message.deliveries.iter().map(|delivery| delivery.jti.clone()).collect();
        let event = self.add_event(message, &jtis)?;
        for delivery in &message.deliveries {
            let receiver = self.receiver(&delivery.receiver)?;
            self.add_of(message, event, receiver, &delivery.jti, message.ordered)?;
        }
        Ok(Enqueued::new(jtis, false))
    }

    /// What all deliveries of a message have in common.
    pub(super) fn add_event(&self, message: &Message, jtis: &[String]) -> Done<i64> {
        let kept = message.idempotency.map(|_| json(&jtis)).transpose()?;
        self.execute(
            EVENT,
            params![
                jtis.len(),
                message.event,
                message.subject.as_ref().map(Tag::as_bytes),
                message.idempotency.as_ref().map(Tag::as_bytes),
                message.fingerprint.as_bytes(),
                kept,
                duration_millis(message.max_age),
                message.payload.as_bytes(),
            ],
        )?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Adds a delivery of a message.
    pub(super) fn add_of(
        &mut self,
        message: &Message,
        event: i64,
        receiver: i64,
        jti: &str,
        ordered: bool,
    ) -> Done<()> {
        let begins = message.not_before.map_or(self.now, |time| time.max(self.now));
        let subject = message.subject.filter(|_| ordered);
        self.add(&New {
            jti,
            event,
            receiver,
            priority: message.priority.rank(),
            enqueued_at: message.issued_at,
            not_before: message.not_before,
            expires_at: begins.plus(message.max_age),
            ordered: subject.as_ref().map(Tag::as_bytes),
            supersedes: message.supersedes.as_ref().map(Tag::as_bytes),
        })
    }

    /// The first entry with the idempotency key.
    pub(super) fn known(&self, message: &Message) -> Done<Option<Enqueued>> {
        let Some(key) = message.idempotency else { return Ok(None) };
        let known = self.first(KNOWN, [key.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Some((fingerprint, jtis)): Option<(Vec<u8>, String)> = known else { return Ok(None) };
        if fingerprint != message.fingerprint.as_bytes() {
            return Err(conflict("the idempotency key belongs to an entry with other content"));
        }
        Ok(Some(Enqueued::new(parse(&jtis)?, true)))
    }

    /// Adds a delivery, which discards those that it supersedes.
    pub(super) fn add(&mut self, new: &New<'_>) -> Done<()> {
        if let Some(supersedes) = new.supersedes {
            self.supersede(new.receiver, supersedes, new.jti)?;
        }
        let not_before = millis(new.not_before);
        let (wait, due) = self.first_wait(new.receiver, new.ordered, not_before)?;
        let added = self.execute(
            DELIVERY,
            params![
                new.jti,
                new.event,
                new.receiver,
                wait,
                new.priority,
                new.enqueued_at.as_unix_millis(),
                due,
                new.expires_at.as_unix_millis(),
                new.ordered,
                new.supersedes,
            ],
        )?;
        if added == 0 {
            return Err(conflict("the outbox already has a delivery with this jti"));
        }
        let lane = self.lane(new.receiver)?;
        lane.counts.enqueued += 1;
        lane.count(state::WAITING, 1);
        lane.ready += i64::from(wait == wait::NOTHING);
        Ok(())
    }

    /// What a delivery waits for that is new or replayed, and until when.
    pub(super) fn first_wait(
        &self,
        receiver: i64,
        ordered: Option<&[u8]>,
        not_before: Option<i64>,
    ) -> Done<(i64, Option<i64>)> {
        let due = not_before.filter(|time| *time > self.millis());
        let follows = match ordered {
            Some(ordered) => self.next_in_order(receiver, ordered)?.is_some(),
            None => false,
        };
        let own = if due.is_some() { wait::TIME } else { wait::NOTHING };
        Ok((if follows { wait::TURN } else { own }, due))
    }
}
