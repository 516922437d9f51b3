//! Gives events to streams.

use std::time::Duration;

use super::StreamApi;
use crate::{
    error::Result,
    event::Event,
    outbox::{Entry, Priority, Publication, Published, SubjectKeys},
    subject::Subject,
};

impl StreamApi {
    /// Gives an event to every stream that is not disabled, wants this event, and has this subject, and to the receivers that the entry
    /// names. A stream gets its events about one subject in the order in which they were published.
    ///
    /// Once this has returned, the event is as safe as the store makes it. Errors are those of
    /// [`Outbox::enqueue`](crate::outbox::Outbox::enqueue). An event that no stream wants is no error.
    pub async fn publish(&self, entry: Entry) -> Result<Published> {
        let subject = entry.subject().map(|subject| SubjectKeys::of(self.sealing(), subject)).transpose()?;
        let event = entry.events().first().map(|event| event.uri().to_owned()).unwrap_or_default();
        let mut message = entry.to_published(self.sealing(), self.now())?;
        message.max_age = message.max_age.min(self.settings().max_held_age);
        self.store()
            .publish(Publication {
                message,
                event,
                subject,
                only: None,
                ordered: true,
                most_waiting: self.settings().max_waiting,
            })
            .await
    }

    /// Gives an event about a stream to this stream alone, before all others (§8.1.4, §8.1.5): once for each key, and for no longer
    /// than it makes sense.
    pub(super) async fn publish_to(
        &self,
        stream: &str,
        event: Event,
        key: Option<String>,
        max_age: Option<Duration>,
    ) -> Result<Published> {
        let event_uri = event.uri().to_owned();
        let mut entry = Entry::new(event, Subject::opaque(stream)).priority(Priority::High);
        if let Some(key) = key {
            entry = entry.idempotency_key(key);
        }
        if let Some(age) = max_age {
            entry = entry.max_age(age);
        }
        let message = entry.to_published(self.sealing(), self.now())?;
        self.store()
            .publish(Publication {
                message,
                event: event_uri,
                subject: None,
                only: Some(stream.to_owned()),
                ordered: false,
                most_waiting: self.settings().max_waiting,
            })
            .await
    }
}
