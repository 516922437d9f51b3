//! What is accepted.

use std::collections::HashMap;

use ssf_transmitter::{
    ErrorCode,
    outbox::{Enqueued, Message, Tag},
};

use super::{Ledger, Operation, delivery::New};
use crate::{
    codec::{json, millis, parse, signed, state, wait},
    failed::{Done, Failed},
    values::{each, one},
};

const NUMBERS: &str = "SELECT nextval('events_id_seq') FROM generate_series(1, $1)";
/// In the order of the keys, so that two transactions do not wait for each other.
const EVENTS: &str = "
    INSERT INTO events (id, kept, event, subject, idempotency, fingerprint, jtis, payload)
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n (id, kept, event, subject, idempotency, fingerprint, jtis, payload)
    ORDER BY idempotency, id
    ON CONFLICT (idempotency) WHERE idempotency IS NOT NULL DO NOTHING";
const KNOWN: &str = "SELECT idempotency, id, fingerprint, jtis FROM events WHERE idempotency = ANY($1)";

pub(super) fn conflict(message: &str) -> Failed {
    Failed::new(ErrorCode::OutboxConflict, message)
}

/// Accepts messages.
pub(crate) struct Enqueue(pub(crate) Vec<Message>);

/// The first entry with an idempotency key.
struct Known {
    id: i64,
    fingerprint: Vec<u8>,
    jtis: String,
}

impl Operation for Enqueue {
    type Output = Vec<Enqueued>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<Enqueued>> {
        let ids = ledger.add_events(&self.0).await?;
        let known = ledger.known_events(&self.0).await?;
        let mut answers = Vec::with_capacity(self.0.len());
        let mut accepted = Vec::new();
        for (message, id) in self.0.iter().zip(ids) {
            let first = message.idempotency.map(|key| known.get(key.as_bytes()));
            match first {
                // It was removed after the insert found it.
                Some(None) => return Err(Failed::conflict()),
                Some(Some(first)) if first.fingerprint != message.fingerprint.as_bytes() => {
                    return Err(conflict("the idempotency key belongs to an entry with other content"));
                }
                Some(Some(first)) if first.id != id => {
                    answers.push(Enqueued::new(parse(&first.jtis)?, true));
                    continue;
                }
                _ => {}
            }
            answers.push(Enqueued::new(jtis(message), false));
            accepted.push((message, id));
        }
        let names = accepted.iter().flat_map(|(message, _)| &message.deliveries);
        ledger.lock_names(names.map(|delivery| delivery.receiver.clone()).collect()).await?;
        for (message, event) in accepted {
            ledger.accept(message, event).await?;
        }
        Ok(answers)
    }
}

fn jtis(message: &Message) -> Vec<String> {
    message.deliveries.iter().map(|delivery| delivery.jti.clone()).collect()
}

impl Ledger<'_> {
    /// Adds the events of messages, except those whose idempotency key is known. Returns the ids that they have or would have.
    async fn add_events(&self, messages: &[Message]) -> Done<Vec<i64>> {
        let ids = self.new_events(messages.len()).await?;
        let kept = |message: &Message| message.idempotency.map(|_| json(&jtis(message))).transpose();
        self.execute(
            EVENTS,
            &[
                each(&ids),
                each(&messages.iter().map(|message| signed(message.deliveries.len())).collect()),
                each(&messages.iter().map(|message| &*message.event).collect()),
                each(&messages.iter().map(|message| bytes(message.subject.as_ref())).collect()),
                each(&messages.iter().map(|message| bytes(message.idempotency.as_ref())).collect()),
                each(&messages.iter().map(|message| message.fingerprint.as_bytes()).collect()),
                each(&messages.iter().map(kept).collect::<Done<Vec<_>>>()?),
                each(&messages.iter().map(|message| message.payload.as_bytes()).collect()),
            ],
        )
        .await?;
        Ok(ids)
    }

    /// The ids of so many new events.
    pub(super) async fn new_events(&self, count: usize) -> Done<Vec<i64>> {
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        let numbers = self.query(NUMBERS, &[one(&count)]).await?;
        numbers.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn known_events(&self, messages: &[Message]) -> Done<HashMap<Vec<u8>, Known>> {
        let keys: Vec<_> =
            messages.iter().filter_map(|message| bytes(message.idempotency.as_ref())).collect();
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let mut known = HashMap::new();
        for row in self.query(KNOWN, &[each(&keys)]).await? {
            let (id, fingerprint, jtis) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
            known.insert(row.try_get(0)?, Known { id, fingerprint, jtis });
        }
        Ok(known)
    }

    async fn accept(&mut self, message: &Message, event: i64) -> Done<()> {
        let begins = message.not_before.map_or(self.now, |time| time.max(self.now));
        let ordered = message.subject.filter(|_| message.ordered);
        for delivery in &message.deliveries {
            let new = New {
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
            };
            self.add(new).await?;
        }
        Ok(())
    }

    /// Adds a delivery, which discards those that it supersedes.
    pub(super) async fn add(&mut self, mut new: New) -> Done<()> {
        if let Some(supersedes) = &new.supersedes {
            self.supersede(new.receiver, supersedes, &new.jti).await?;
        }
        (new.wait, new.due_at) = self.first_wait(new.receiver, new.ordered.as_deref(), new.due_at).await?;
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
        let due = not_before.filter(|time| *time > self.millis());
        let follows = match ordered {
            Some(ordered) => self.first_in_order(receiver, ordered).await?.is_some(),
            None => false,
        };
        let own = if due.is_some() { wait::TIME } else { wait::NOTHING };
        Ok((if follows { wait::TURN } else { own }, due))
    }
}

fn bytes(tag: Option<&Tag>) -> Option<&[u8]> {
    tag.map(Tag::as_bytes)
}
