//! Subjects that a receiver has removed and whose events go on for a while (SSF 1.0 §9.3).

use serde::{Deserialize, Serialize};

use super::{Caller, StreamApi, problem::Problem, stored::Stream};
use crate::{error::Result, outbox::SubjectKeys, time::Timestamp};

/// So many removals of one stream wait at a time: whoever has stolen its credentials cannot silence more in one time of grace.
const MOST: usize = 256;

/// A removal that waits.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Removal {
    subject: SubjectKeys,
    /// When the subject goes, in milliseconds since 1970.
    until: i64,
}

impl StreamApi {
    /// Removes a subject when the time of grace is over.
    pub(super) async fn remove_later(
        &self,
        caller: &Caller,
        id: &str,
        subject: &SubjectKeys,
    ) -> Result<(), Problem> {
        let now = self.now();
        let until = now.plus(self.settings().removal_grace).as_unix_millis();
        let removed = self.change(caller, id, |stream| {
            let removals = &mut stream.configuration.removals;
            if removals.iter().any(|removal| removal.subject == *subject) {
                return Ok(());
            }
            if removals.len() >= MOST {
                let first = removals.iter().map(|removal| removal.until).min().unwrap_or(until);
                let wait = Timestamp::from_unix_millis(first).since(now);
                return Err(Problem::too_many(wait, "too many subjects are being removed"));
            }
            removals.push(Removal { subject: subject.clone(), until });
            Ok(())
        });
        removed.await.map(|_| ())
    }

    /// Keeps a subject that was being removed.
    pub(super) async fn keep(&self, stream: &Stream, subject: &SubjectKeys) -> Result<()> {
        let is_it = |removal: &Removal| removal.subject == *subject;
        if stream.configuration.removals.iter().any(is_it) {
            self.change_if(&stream.record.id, |stream| {
                stream.configuration.removals.retain(|removal| !is_it(removal));
                true
            })
            .await?;
        }
        Ok(())
    }

    /// Removes the subjects whose time is over.
    pub(super) async fn complete_removals(&self, stream: &Stream, now: Timestamp) -> Result<()> {
        let is_due = |removal: &Removal| Timestamp::from_unix_millis(removal.until) <= now;
        if !stream.configuration.removals.iter().any(is_due) {
            return Ok(());
        }
        let mut due = Vec::new();
        // First of all, so that a receiver which adds one of them again is not overruled later.
        self.change_if(&stream.record.id, |stream| {
            due = stream.configuration.removals.extract_if(.., |removal| is_due(removal)).collect();
            !due.is_empty()
        })
        .await?;
        for removal in due {
            // The receiver was answered long ago. Beyond the limit, its events go on.
            let limit = self.settings().subjects;
            self.store().set_subject(&stream.record.id, removal.subject, false, limit).await?;
        }
        Ok(())
    }
}
