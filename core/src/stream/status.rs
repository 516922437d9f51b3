//! Whether a stream is enabled (SSF 1.0 §8.1.2).

use serde_json::{Value, json};

use super::{Answer, Caller, StreamApi, problem::Problem, request::Members, stored::Stream};
use crate::event::StreamStatus;

/// A longer reason is cut, in characters.
const MAX_REASON: usize = 1000;

impl StreamApi {
    pub(super) async fn read_status(&self, caller: &Caller, id: &str) -> Result<Answer, Problem> {
        Ok(Answer::json(200, &self.stream(caller, id).await?.status()))
    }

    pub(super) async fn update_status(
        &self,
        caller: &Caller,
        id: &str,
        members: &Members,
    ) -> Result<Answer, Problem> {
        let status = match members.string("status")? {
            Some("enabled") => StreamStatus::Enabled,
            Some("paused") => StreamStatus::Paused,
            Some("disabled") => StreamStatus::Disabled,
            _ => return Err(Problem::member("status", "must be enabled, paused or disabled")),
        };
        let reason =
            members.string("reason")?.map(|reason| reason.chars().take(MAX_REASON).collect::<String>());
        let now = self.now();
        let changed = self
            .change(caller, id, |stream| {
                stream.set_status(status, reason.clone(), now);
                Ok(())
            })
            .await?;
        Ok(Answer::json(200, &changed.status()))
    }
}

impl Stream {
    /// The status, as a receiver reads it (SSF 1.0 §8.1.2.1).
    fn status(&self) -> Value {
        let mut all = json!({ "stream_id": self.record.id, "status": self.record.status.as_str() });
        if let Some(reason) = &self.configuration.reason {
            all["reason"] = json!(reason);
        }
        all
    }
}
