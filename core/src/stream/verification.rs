//! Verifies that a stream works (SSF 1.0 §8.1.4).

use std::time::Duration;

use super::{Answer, Caller, StreamApi, problem::Problem, request::Members};
use crate::{
    event::{StreamStatus, ssf},
    time::Timestamp,
};

/// The longest state, in bytes.
const MAX_STATE: usize = 4096;

impl StreamApi {
    pub(super) async fn verify(
        &self,
        caller: &Caller,
        id: &str,
        members: &Members,
    ) -> Result<Answer, Problem> {
        let state = members.string("state")?;
        if state.is_some_and(|state| state.len() > MAX_STATE) {
            return Err(Problem::member("state", &format!("is longer than {MAX_STATE} bytes")));
        }
        let now = self.now();
        let interval = self.settings().min_verification_interval.unwrap_or(Duration::ZERO);
        // The time first: two requests at once get one event.
        let stream = self
            .change(caller, id, |stream| {
                if stream.record.status == StreamStatus::Disabled {
                    return Err(Problem::invalid("the stream is disabled: enable it first"));
                }
                let last = stream.configuration.verified_at.map(Timestamp::from_unix_millis);
                let wait = last.map_or(Duration::ZERO, |last| last.plus(interval).since(now));
                if !wait.is_zero() {
                    return Err(Problem::too_many(wait, "min_verification_interval has not passed yet"));
                }
                stream.configuration.verified_at = Some(now.as_unix_millis());
                Ok(())
            })
            .await?;
        let event = ssf::Verification::new();
        let event = match state {
            Some(state) => event.with_state(state),
            None => event,
        };
        self.publish_to(&stream.record.id, event.into(), None, None).await?;
        Ok(Answer::empty(204))
    }
}
