//! What is accepted.

use ssf_transmitter::{
    Timestamp,
    outbox::{Message, MessageDelivery, Payload, Tag},
};

use super::{Ledger, admit::jtis, delivery::New};
use crate::{
    codec::{json, millis, signed, state, wait},
    failed::Done,
    values::each,
};

/// In the order of the keys, so that two transactions do not wait for each other. A known key makes it fail.
const EVENTS: &str = "
    INSERT INTO events (id, kept, event, subject, idempotency, fingerprint, jtis, payload)
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n (id, kept, event, subject, idempotency, fingerprint, jtis, payload)
    ORDER BY idempotency, id";

/// A message, when it was enqueued, and the number of its event.
pub(super) type Accepted<'m> = (&'m Message, Timestamp, i64);

/// An event that has no row yet.
pub(super) struct Event {
    id: i64,
    kept: i64,
    uri: String,
    subject: Option<Tag>,
    idempotency: Option<Tag>,
    fingerprint: Tag,
    jtis: Option<String>,
    payload: Payload,
}

impl Ledger<'_> {
    pub(super) async fn send_events(&self, events: &[Event]) -> Done<()> {
        if events.is_empty() {
            return Ok(());
        }
        self.execute(
            EVENTS,
            &[
                each(&events.iter().map(|event| event.id).collect()),
                each(&events.iter().map(|event| event.kept).collect()),
                each(&events.iter().map(|event| &*event.uri).collect()),
                each(&events.iter().map(|event| bytes(event.subject.as_ref())).collect()),
                each(&events.iter().map(|event| bytes(event.idempotency.as_ref())).collect()),
                each(&events.iter().map(|event| event.fingerprint.as_bytes()).collect()),
                each(&events.iter().map(|event| event.jtis.as_deref()).collect()),
                each(&events.iter().map(|event| event.payload.as_bytes()).collect()),
            ],
        )
        .await
        .map(drop)
    }

    /// Adds the event of a message.
    pub(super) fn add_event(&mut self, (message, _, id): Accepted<'_>) -> Done<()> {
        self.events.push(Event {
            id,
            kept: signed(message.deliveries.len()),
            uri: message.event.clone(),
            subject: message.subject,
            idempotency: message.idempotency,
            fingerprint: message.fingerprint,
            jtis: message.idempotency.map(|_| json(&jtis(message))).transpose()?,
            payload: message.payload.clone(),
        });
        Ok(())
    }

    /// Adds the events and the deliveries of messages.
    pub(super) async fn accept_all(&mut self, accepted: &[Accepted<'_>]) -> Done<()> {
        let names = accepted.iter().flat_map(|(message, _, _)| &message.deliveries);
        self.lock_new(names.map(|delivery| delivery.receiver.clone()).collect()).await?;
        for accepted in accepted {
            self.add_event(*accepted)?;
            for delivery in &accepted.0.deliveries {
                let new = self.new_of(*accepted, delivery, accepted.0.ordered)?;
                self.add(new).await?;
            }
        }
        Ok(())
    }

    /// A delivery of a message to a receiver that is locked.
    pub(super) fn new_of(
        &self,
        (message, at, event): Accepted<'_>,
        delivery: &MessageDelivery,
        ordered: bool,
    ) -> Done<New> {
        let begins = message.not_before.map_or(at, |time| time.max(at));
        let ordered = message.subject.filter(|_| ordered);
        Ok(New {
            jti: delivery.jti.clone(),
            event,
            receiver: self.id(&delivery.receiver)?,
            wait: wait::NOTHING,
            priority: message.priority.rank().into(),
            enqueued_at: message.issued_at.as_unix_millis(),
            max_age: signed(message.max_age.as_millis()),
            due_at: millis(message.not_before),
            expires_at: begins.plus(message.max_age).as_unix_millis(),
            ordered: bytes(ordered.as_ref()).map(<[u8]>::to_vec),
            supersedes: bytes(message.supersedes.as_ref()).map(<[u8]>::to_vec),
        })
    }

    /// Adds a delivery, which discards those that it supersedes.
    pub(super) async fn add(&mut self, mut new: New) -> Done<()> {
        if let Some(supersedes) = &new.supersedes {
            self.supersede(new.receiver, supersedes, &new.jti).await?;
        }
        (new.wait, new.due_at) = self.first_wait(new.receiver, new.ordered.as_deref(), new.due_at).await?;
        self.push(new)
    }

    /// Adds a delivery that supersedes nothing, with what it waits for.
    pub(super) fn push(&mut self, new: New) -> Done<()> {
        let lane = self.lane(new.receiver)?;
        lane.counts.enqueued += 1;
        lane.count(state::WAITING, 1);
        lane.ready += i64::from(new.wait == wait::NOTHING);
        self.new.push(new);
        Ok(())
    }

    /// What a delivery waits for that is new or replayed, and until when.
    pub(super) async fn first_wait(
        &mut self,
        receiver: i64,
        ordered: Option<&[u8]>,
        not_before: Option<i64>,
    ) -> Done<(i16, Option<i64>)> {
        let follows = match ordered {
            Some(ordered) => self.first_in_order(receiver, ordered).await?.is_some(),
            None => false,
        };
        Ok(self.wait_of(follows, not_before))
    }

    /// The same for one of which it is known whether it follows an earlier one.
    pub(super) fn wait_of(&self, follows: bool, not_before: Option<i64>) -> (i16, Option<i64>) {
        let due = not_before.filter(|time| *time > self.millis());
        let own = if due.is_some() { wait::TIME } else { wait::NOTHING };
        (if follows { wait::TURN } else { own }, due)
    }
}

pub(super) fn bytes(tag: Option<&Tag>) -> Option<&[u8]> {
    tag.map(Tag::as_bytes)
}
