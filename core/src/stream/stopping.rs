//! The transmitter stops streams by itself: it says so first (SSF 1.0 §8.1.5), and says when they go on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Audit, Caller, StreamApi, problem::Problem, stored::Stream};
use crate::{
    error::Result,
    event::{StreamStatus, ssf},
    time::Timestamp,
};

/// So long, a stream goes on after its receiver was told that it stops, unless the receiver has acknowledged that.
const NOTICE: Duration = Duration::from_mins(1);

/// How the transmitter stops a stream.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stop {
    /// It is paused: its events are held.
    Pause,
    /// It is disabled: its events are dropped.
    Disable,
}

impl Stop {
    fn status(self) -> StreamStatus {
        match self {
            Self::Pause => StreamStatus::Paused,
            Self::Disable => StreamStatus::Disabled,
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Pause => "stream.pause",
            Self::Disable => "stream.disable",
        }
    }
}

/// A stop that is announced, or done.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Stopping {
    how: Stop,
    reason: String,
    /// Because the receiver is not active: its activity ends it.
    inactive: bool,
    /// When it was decided, in milliseconds since 1970: it identifies the stop.
    at: i64,
    /// The id of the SET that announces it, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    done: bool,
}

impl Stopping {
    /// Whether a poll or, before the stop, a call of the receiver ends it.
    pub(super) fn ends_by_activity(&self, polls: bool) -> bool {
        self.inactive && (!self.done || polls && self.how == Stop::Pause)
    }
}

impl StreamApi {
    /// Stops a stream, whoever it belongs to. Its receiver is told first, by the event `stream-updated`: [`maintain`](Self::maintain) stops
    /// the stream when the receiver has acknowledged that, or a minute later. Tells whether there is anything to stop: the stream exists,
    /// is enabled, and is not being stopped.
    ///
    /// The receiver may enable it again. Errors are those of the store.
    pub async fn stop_stream(&self, stream_id: &str, how: Stop, reason: &str) -> Result<bool> {
        self.announce_stop(stream_id, how, reason, |_| true, false).await
    }

    /// Lets a stream go on that is paused or disabled, by the transmitter or by its receiver, or about to be, and tells the receiver so by
    /// the event `stream-updated`. Tells whether there is anything to do.
    pub async fn resume_stream(&self, stream_id: &str, reason: &str) -> Result<bool> {
        let is_stopped = |stream: &Stream| {
            stream.record.status != StreamStatus::Enabled || stream.configuration.stopping.is_some()
        };
        Ok(self.resume(stream_id, reason, is_stopped).await?.is_some())
    }

    /// Decides to stop a stream if it is enabled and `wanted` says so, and tells its receiver.
    pub(super) async fn announce_stop(
        &self,
        id: &str,
        how: Stop,
        reason: &str,
        wanted: impl Fn(&Stream) -> bool + Send + Sync,
        inactive: bool,
    ) -> Result<bool> {
        let at = self.now().as_unix_millis();
        let reason = reason.to_owned();
        let decided = self
            .change_if(id, |stream| {
                let is_free =
                    stream.record.status == StreamStatus::Enabled && stream.configuration.stopping.is_none();
                let stop = is_free && wanted(stream);
                if stop {
                    let reason = reason.clone();
                    stream.configuration.stopping =
                        Some(Stopping { how, reason, inactive, at, jti: None, done: false });
                }
                stop
            })
            .await?;
        match decided {
            Some(stream) => self.tell_stop(&stream).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Sends what announces a stop, once.
    async fn tell_stop(&self, stream: &Stream) -> Result<()> {
        let Some(stopping) = &stream.configuration.stopping else { return Ok(()) };
        let (id, at) = (&stream.record.id, stopping.at);
        let jti = self.tell_status(id, stopping.how.status(), &stopping.reason, at).await?;
        let noted = self
            .change_if(id, |stream| match &mut stream.configuration.stopping {
                Some(stopping) if stopping.at == at => {
                    stopping.jti.clone_from(&jti);
                    true
                }
                _ => false,
            })
            .await?;
        if noted.is_none() {
            // The receiver came back meanwhile: what it was told last must be true.
            self.tell_status(id, StreamStatus::Enabled, "active again", at).await?;
        }
        Ok(())
    }

    /// Does what is due for a stream that is being stopped.
    pub(super) async fn continue_stop(&self, stream: &Stream, now: Timestamp) -> Result<Option<Audit>> {
        let Some(stopping) = stream.configuration.stopping.as_ref().filter(|stopping| !stopping.done) else {
            return Ok(None);
        };
        let Some(jti) = &stopping.jti else {
            // Whoever decided it did not come so far.
            self.tell_stop(stream).await?;
            return Ok(None);
        };
        let at = stopping.at;
        let noticed = Timestamp::from_unix_millis(at).plus(NOTICE) <= now
            || self.store().history(jti).await?.is_none_or(|history| history.record.state.has_ended());
        if !noticed {
            return Ok(None);
        }
        let stopped = self
            .change_if(&stream.record.id, |stream| {
                let Some(stopping) = stream.configuration.stopping.clone() else { return false };
                if stopping.at != at || stopping.done {
                    return false;
                }
                stream.set_status(stopping.how.status(), Some(stopping.reason.clone()), now);
                stream.configuration.stopping = Some(Stopping { done: true, ..stopping });
                true
            })
            .await?;
        let audit = Audit::own(now, stopping.how.action()).with_stream(&*stream.record.id);
        Ok(stopped.map(|_| audit))
    }

    /// Enables a stream if `wanted` says so, and tells its receiver.
    pub(super) async fn resume(
        &self,
        id: &str,
        reason: &str,
        wanted: impl Fn(&Stream) -> bool + Send + Sync,
    ) -> Result<Option<(Stream, Audit)>> {
        let now = self.now();
        let resumed = self
            .change_if(id, |stream| {
                let resumes = wanted(stream);
                if resumes {
                    stream.set_status(StreamStatus::Enabled, None, now);
                    stream.configuration.active_at = Some(now.as_unix_millis());
                }
                resumes
            })
            .await?;
        let Some(stream) = resumed else { return Ok(None) };
        self.tell_status(id, StreamStatus::Enabled, reason, now.as_unix_millis()).await?;
        let audit = Audit::own(now, "stream.enable").with_stream(id);
        audit.trace();
        Ok(Some((stream, audit)))
    }

    /// Tells a receiver the status of its stream, once for each `at`. Returns the id of the SET.
    async fn tell_status(
        &self,
        id: &str,
        status: StreamStatus,
        reason: &str,
        at: i64,
    ) -> Result<Option<String>> {
        let key = format!("stream-updated:{id}:{at}:{}", status.as_str());
        let event = ssf::StreamUpdated::new(status).with_reason(reason);
        let published = self.publish_to(id, event.into(), Some(key), None).await?;
        Ok(published.jtis.into_iter().next())
    }

    /// Notes a call of a receiver that concerns one of its streams.
    pub(super) async fn note_call(&self, caller: &Caller, id: &str) -> Result<Option<Audit>, Problem> {
        if self.settings().inactivity.is_none() {
            return Ok(None);
        }
        let (_, resumed) = self.note_activity(self.stream(caller, id).await?, false).await?;
        Ok(resumed)
    }

    /// Notes that the receiver did something with its stream (§8.1.1), and lets the stream go on if it was inactive: by any call before it is
    /// stopped, and by a poll after it was paused.
    pub(super) async fn note_activity(
        &self,
        stream: Stream,
        polls: bool,
    ) -> Result<(Stream, Option<Audit>), Problem> {
        let Some((timeout, _)) = self.settings().inactivity else { return Ok((stream, None)) };
        let id = stream.record.id.clone();
        let ends = move |stream: &Stream| {
            stream.configuration.stopping.as_ref().is_some_and(|stopping| stopping.ends_by_activity(polls))
        };
        if ends(&stream) {
            return match self.resume(&id, "active again", ends).await? {
                Some((stream, audit)) => Ok((stream, Some(audit))),
                None => Ok((stream, None)),
            };
        }
        // Often enough for the timeout, and not for each poll.
        let now = self.now();
        let is_noted = |stream: &Stream| {
            let noted = stream.configuration.active_at.map(Timestamp::from_unix_millis);
            noted.is_some_and(|noted| now < noted.plus(timeout / 10))
        };
        if is_noted(&stream) {
            return Ok((stream, None));
        }
        let noted = self
            .change_if(&id, |stream| {
                stream.configuration.active_at = Some(now.as_unix_millis());
                true
            })
            .await?;
        Ok((noted.unwrap_or(stream), None))
    }

    /// Announces the stop of a stream whose receiver was not active for too long.
    pub(super) async fn stop_inactive(&self, stream: &Stream, now: Timestamp) -> Result<()> {
        let Some((timeout, how)) = self.settings().inactivity else { return Ok(()) };
        let is_inactive = move |stream: &Stream| {
            let active = stream.configuration.active_at.map(Timestamp::from_unix_millis);
            active.is_some_and(|active| active.plus(timeout) <= now)
        };
        if stream.configuration.active_at.is_none() {
            // Older than the setting: it counts from now on.
            let begin = |stream: &mut Stream| {
                stream.configuration.active_at.get_or_insert(now.as_unix_millis());
                true
            };
            self.change_if(&stream.record.id, begin).await?;
        } else if is_inactive(stream) {
            self.announce_stop(&stream.record.id, how, "inactive", is_inactive, true).await?;
        }
        Ok(())
    }
}
