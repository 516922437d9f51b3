//! Verifications that the transmitter itself sends (SSF 1.0 §8.1.4): whether a stream works, before an event is lost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{StreamApi, stored::Stream};
use crate::{
    error::Result,
    event::{StreamStatus, ssf},
    outbox::State,
    time::Timestamp,
};

/// A canary is given up after so long, at most.
const LONGEST: Duration = Duration::from_hours(24);

/// The last verification, in milliseconds since 1970.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Canary {
    sent_at: i64,
    /// When the receiver acknowledged one last; before, when the first one was sent, or the stream was enabled.
    since: i64,
    /// The id of its SET, until that has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
}

impl Canary {
    /// The stream was not enabled for a while: what counts is what follows.
    pub(super) fn begin_anew(&mut self, now: Timestamp) {
        let now = now.as_unix_millis();
        *self = Self { sent_at: now, since: now, jti: None };
    }
}

impl StreamApi {
    /// Notes whether the last canary of a stream was acknowledged, and sends the next one when it is due. Returns its age.
    pub(super) async fn send_canary(&self, stream: &Stream, now: Timestamp) -> Result<Option<Duration>> {
        let Some(every) = self.settings().canary else { return Ok(None) };
        if stream.record.status != StreamStatus::Enabled {
            return Ok(None);
        }
        let (id, before) = (&stream.record.id, stream.configuration.canary.clone());
        let mut canary = before.clone();
        let mut is_changed = false;
        if let Some(sent) = &mut canary
            && let Some(jti) = &sent.jti
        {
            let record = self.store().history(jti).await?.map(|history| history.record);
            if record.as_ref().is_none_or(|record| record.state.has_ended()) {
                let delivered = record.filter(|record| record.state == State::Delivered);
                let acknowledged = delivered.and_then(|record| record.ended_at);
                sent.since = acknowledged.map_or(sent.since, Timestamp::as_unix_millis);
                sent.jti = None;
                is_changed = true;
            }
        }
        let is_due = canary.as_ref().is_none_or(|sent| {
            sent.jti.is_none() && Timestamp::from_unix_millis(sent.sent_at).plus(every) <= now
        });
        if is_due {
            // Two servers send one: both know the one before.
            let key = format!("canary:{id}:{}", before.as_ref().map_or(0, |sent| sent.sent_at));
            let event = ssf::Verification::new().into();
            let published = self.publish_to(id, event, Some(key), Some(every.min(LONGEST))).await?;
            let sent_at = now.as_unix_millis();
            let since = canary.map_or(sent_at, |sent| sent.since);
            canary = Some(Canary { sent_at, since, jti: published.jtis.into_iter().next() });
            is_changed = true;
        }
        if is_changed {
            // Not if another server, or the receiver, was faster: the next round sees it.
            let mut changed = stream.clone();
            changed.configuration.canary.clone_from(&canary);
            self.store().update_stream(changed.close(self.sealing())?).await?;
        }
        Ok(canary.map(|sent| now.since(Timestamp::from_unix_millis(sent.since))))
    }
}
