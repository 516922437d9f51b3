//! Which messages are accepted. Each call brings some: all of them are accepted, or none.

use std::collections::{BTreeSet, HashMap, HashSet};

use ssf_transmitter::{
    ErrorCode, Timestamp,
    outbox::{Enqueued, Message, Tag},
};
use tokio_postgres::Row;

use super::{Asked, Ledger, lane};
use crate::{
    codec::parse,
    connection::Connection,
    failed::{Done, Failed},
    values::{each, one},
};

/// New numbers for events, and which of the ids are known.
const NUMBERS: &str = "
    SELECT nextval('events_id_seq'), NULL FROM generate_series(1, $1)
    UNION ALL SELECT NULL, jti FROM deliveries WHERE jti = ANY($2)";
const KNOWN: &str = "SELECT idempotency, fingerprint, jtis FROM events WHERE idempotency = ANY($1)";

/// The messages of a call.
pub(crate) struct Call<'m> {
    pub(crate) messages: &'m [Message],
    /// When they were enqueued, which their maximum age counts from.
    pub(crate) at: Timestamp,
}

fn messages_of<'m>(calls: &[Call<'m>]) -> Vec<&'m Message> {
    calls.iter().flat_map(|call| call.messages).collect()
}

/// Why a call is refused.
#[derive(Clone, Copy)]
pub(crate) enum Refusal {
    Key,
    Jti,
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        let message = match refusal {
            Refusal::Key => "the idempotency key belongs to an entry with other content",
            Refusal::Jti => "the outbox already has a delivery with this jti",
        };
        Self::new(ErrorCode::OutboxConflict, message)
    }
}

pub(crate) type Admitted = Result<Vec<Enqueued>, Refusal>;

/// The first entry with an idempotency key.
struct First {
    fingerprint: Tag,
    jtis: Vec<String>,
}

/// What the outbox has.
#[derive(Default)]
struct Known {
    keys: HashMap<Tag, First>,
    jtis: HashSet<String>,
}

impl Known {
    /// Judges the messages of a call. Those that are accepted and not repeated are known afterwards.
    fn judge(&mut self, messages: &[Message]) -> Admitted {
        let mut own = Self::default();
        let mut answers = Vec::with_capacity(messages.len());
        for message in messages {
            if let Some(key) = message.idempotency {
                if let Some(first) = self.keys.get(&key).or_else(|| own.keys.get(&key)) {
                    if first.fingerprint != message.fingerprint {
                        return Err(Refusal::Key);
                    }
                    answers.push(Enqueued::new(first.jtis.clone(), true));
                    continue;
                }
                let first = First { fingerprint: message.fingerprint, jtis: jtis(message) };
                own.keys.insert(key, first);
            }
            for jti in jtis(message) {
                if self.jtis.contains(&jti) || !own.jtis.insert(jti) {
                    return Err(Refusal::Jti);
                }
            }
            answers.push(Enqueued::new(jtis(message), false));
        }
        self.keys.extend(own.keys);
        self.jtis.extend(own.jtis);
        Ok(answers)
    }
}

pub(crate) fn jtis(message: &Message) -> Vec<String> {
    message.deliveries.iter().map(|delivery| delivery.jti.clone()).collect()
}

/// What the database answers about messages.
pub(crate) struct Answers {
    /// Receivers of the messages, whose rows are locked.
    receivers: Vec<Row>,
    numbers: Vec<Row>,
    keys: Vec<Row>,
}

impl Answers {
    /// Asks what the outbox has of messages, and locks their receivers. The tables come in the order in which a migration changes them.
    pub(crate) async fn of(connection: &Connection, messages: &[&Message]) -> Done<Self> {
        let deliveries = messages.iter().flat_map(|message| &message.deliveries);
        let names: BTreeSet<_> = deliveries.map(|delivery| delivery.receiver.clone()).collect();
        let names = names.into_iter().collect();
        let known = Self::without_locks(connection, messages);
        let (known, receivers) = tokio::join!(biased; known, lane::ask_for(connection, &names));
        let known = known?;
        Ok(Self { receivers: receivers?, ..known })
    }

    async fn without_locks(connection: &Connection, messages: &[&Message]) -> Done<Self> {
        let count = i32::try_from(messages.len()).unwrap_or(i32::MAX);
        let jtis = messages.iter().flat_map(|message| jtis(message)).collect();
        let keys: Vec<_> = messages.iter().filter_map(|message| message.idempotency.as_ref()).collect();
        let keys: Vec<_> = keys.into_iter().map(Tag::as_bytes).collect();
        let ask = async {
            if keys.is_empty() { Ok(Vec::new()) } else { connection.query(KNOWN, &[each(&keys)]).await }
        };
        let values = [one(&count), each(&jtis)];
        let (numbers, keys) = tokio::join!(biased; connection.query(NUMBERS, &values), ask);
        Ok(Self { receivers: Vec::new(), numbers: numbers?, keys: keys? })
    }

    /// What the outbox has of the keys and ids in messages, and a number for each of their messages.
    fn known(&self) -> Done<(Known, Vec<i64>)> {
        let (mut known, mut ids) = (Known::default(), Vec::new());
        for row in &self.numbers {
            ids.extend(row.try_get::<_, Option<i64>>(0)?);
            known.jtis.extend(row.try_get::<_, Option<String>>(1)?);
        }
        for row in &self.keys {
            let tag = |bytes: &[u8]| Tag::from_bytes(bytes).ok_or_else(Failed::corrupt);
            let first = First { fingerprint: tag(row.try_get(1)?)?, jtis: parse(row.try_get(2)?)? };
            known.keys.insert(tag(row.try_get(0)?)?, first);
        }
        Ok((known, ids))
    }
}

impl Ledger<'_> {
    /// Accepts calls in their order, as if each had come alone.
    pub(crate) async fn admit(&mut self, calls: &[Call<'_>]) -> Done<Vec<Admitted>> {
        let asked = match self.asked.take() {
            Some(Asked::Messages(answers)) => answers,
            _ => Answers::of(self.connection, &messages_of(calls)).await?,
        };
        self.locks(&asked.receivers)?;
        let (mut known, ids) = asked.known()?;
        let answers: Vec<_> = calls.iter().map(|call| known.judge(call.messages)).collect();
        let mut accepted = Vec::new();
        for (call, answer) in calls.iter().zip(&answers) {
            let new = call.messages.iter().zip(answer.iter().flatten()).filter(|(_, one)| !one.repeated);
            accepted.extend(new.map(|(message, _)| (message, call.at)));
        }
        let accepted = accepted.into_iter().zip(ids).map(|((message, at), id)| (message, at, id));
        self.accept_all(&accepted.collect::<Vec<_>>()).await?;
        Ok(answers)
    }

    /// Judges a message alone: returns the earlier one that it repeats, or a number for its event.
    pub(super) async fn judge(&self, message: &Message) -> Done<Result<Enqueued, i64>> {
        let asked = Answers::without_locks(self.connection, &[message]).await?;
        let (mut known, ids) = asked.known()?;
        let repeated = known.judge(std::slice::from_ref(message))?.into_iter().find(|answer| answer.repeated);
        let id = ids.first().copied().ok_or_else(Failed::corrupt)?;
        Ok(repeated.ok_or(id))
    }
}
