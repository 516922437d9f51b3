//! What is accepted.

use ssf_transmitter::{
    Timestamp,
    outbox::{Message, MessageDelivery, Tag},
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

impl Ledger<'_> {
    /// Adds the events of messages. It fails if one of the idempotency keys is known.
    pub(super) async fn add_events(&self, accepted: &[Accepted<'_>]) -> Done<()> {
        if accepted.is_empty() {
            return Ok(());
        }
        let messages = || accepted.iter().map(|(message, _, _)| message);
        let ids = accepted.iter().map(|(_, _, id)| *id).collect();
        let kept = |message: &&Message| message.idempotency.map(|_| json(&jtis(message))).transpose();
        self.execute(
            EVENTS,
            &[
                each(&ids),
                each(&messages().map(|message| signed(message.deliveries.len())).collect()),
                each(&messages().map(|message| &*message.event).collect()),
                each(&messages().map(|message| bytes(message.subject.as_ref())).collect()),
                each(&messages().map(|message| bytes(message.idempotency.as_ref())).collect()),
                each(&messages().map(|message| message.fingerprint.as_bytes()).collect()),
                each(&messages().map(kept).collect::<Done<Vec<_>>>()?),
                each(&messages().map(|message| message.payload.as_bytes()).collect()),
            ],
        )
        .await
        .map(drop)
    }

    /// Adds the events and the deliveries of messages.
    pub(super) async fn accept_all(&mut self, accepted: &[Accepted<'_>]) -> Done<()> {
        if accepted.is_empty() {
            return Ok(());
        }
        let names = accepted.iter().flat_map(|(message, _, _)| &message.deliveries);
        let names = names.map(|delivery| delivery.receiver.clone()).collect();
        self.lock_names(names, accepted).await?;
        for accepted in accepted {
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
