//! What a transmitter does for its streams without a request.

use std::time::Duration;

use super::{Audit, StreamApi, stored::Stream};
use crate::{
    error::Result,
    event::StreamStatus,
    outbox::{Failure, StreamRecord},
    time::Timestamp,
};

/// So many streams are read at a time.
const PAGE: u32 = 500;

/// What [`StreamApi::maintain`] found and did.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Maintained {
    /// How the streams are.
    pub health: StreamHealth,
    /// What was changed, for an audit log.
    pub audits: Vec<Audit>,
}

/// How the streams of a transmitter are: what to watch, and to alert on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct StreamHealth {
    /// How many are enabled.
    pub enabled: u64,
    /// How many are paused.
    pub paused: u64,
    /// How many are disabled.
    pub disabled: u64,
    /// How many could not be looked after: the last reason is [`failure`](Self::failure).
    pub failed: u64,
    /// Why one could not be looked after: its configuration is damaged, or sealed with a key that is not set.
    pub failure: Option<Failure>,
    /// The longest time since the receiver of an enabled stream acknowledged a canary. `None` if there are no canaries.
    pub canary_age: Option<Duration>,
    /// The stream of which that is true.
    pub canary_stream: Option<String>,
}

impl StreamHealth {
    fn count(&mut self, status: StreamStatus) {
        match status {
            StreamStatus::Enabled => self.enabled += 1,
            StreamStatus::Paused => self.paused += 1,
            StreamStatus::Disabled => self.disabled += 1,
        }
    }

    fn note_canary(&mut self, stream: &str, age: Duration) {
        if self.canary_age.is_none_or(|longest| age > longest) {
            (self.canary_age, self.canary_stream) = (Some(age), Some(stream.to_owned()));
        }
    }
}

impl StreamApi {
    /// Looks after all streams: announces and completes [stops](Self::stop_stream), also those of
    /// [inactive](super::StreamApiBuilder::inactivity_timeout) receivers, sends [canaries](super::StreamApiBuilder::canary), and completes
    /// [removals](super::StreamApiBuilder::removal_grace) of subjects. Call it from a timer, about once a minute. Several servers with one store may call it, at the same time too.
    ///
    /// It goes by the clock of the API, so those servers need clocks that agree to a few seconds. An error is one of the store, and a later
    /// call makes up for what was not done. A stream that cannot be read is counted, and keeps no other one back.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ssf_transmitter::{KeySet, KeyType, SigningKey, outbox::MemoryStore, stream::{Stop, StreamApi}};
    ///
    /// # async fn example() -> Result<(), ssf_transmitter::Error> {
    /// let keys = KeySet::new(SigningKey::generate(KeyType::P256)?);
    /// let api = StreamApi::builder("https://tr.example.com", keys, MemoryStore::new())
    ///     .inactivity_timeout(Duration::from_hours(72), Stop::Pause)
    ///     .canary(Duration::from_hours(1))
    ///     .build()?;
    /// let maintained = api.maintain().await?;
    /// assert_eq!(maintained.health.enabled, 0);
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
    /// ```
    pub async fn maintain(&self) -> Result<Maintained> {
        let mut maintained = Maintained::default();
        let mut after = None;
        loop {
            let page = self.store().streams(after, PAGE).await?;
            let Some(last) = page.last().map(|record| record.id.clone()) else { return Ok(maintained) };
            for record in page {
                self.maintain_one(record, self.now(), &mut maintained).await?;
            }
            after = Some(last);
        }
    }

    async fn maintain_one(&self, record: StreamRecord, now: Timestamp, done: &mut Maintained) -> Result<()> {
        let status = record.status;
        let stream = match Stream::open(self.sealing(), record) {
            Ok(stream) => stream,
            Err(error) => {
                done.health.count(status);
                done.health.failed += 1;
                done.health.failure = Some(Failure::from(&error));
                return Ok(());
            }
        };
        let is_stopping = stream.configuration.stopping.is_some();
        if let Some(audit) = self.continue_stop(&stream, now).await? {
            audit.trace();
            done.audits.push(audit);
        } else if status == StreamStatus::Enabled && !is_stopping {
            self.stop_inactive(&stream, now).await?;
            if let Some(age) = self.send_canary(&stream, now).await? {
                done.health.note_canary(&stream.record.id, age);
            }
        }
        done.health.count(status);
        self.complete_removals(&stream, now).await
    }
}
