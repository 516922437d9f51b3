//! Whose events a stream gets (SSF 1.0 §8.1.3).

use super::{Answer, Caller, StreamApi, problem::Problem, request::Members};
use crate::{outbox::SubjectKeys, subject::Subject};

impl StreamApi {
    pub(super) async fn add_subject(
        &self,
        caller: &Caller,
        id: &str,
        members: &Members,
    ) -> Result<Answer, Problem> {
        // Whether the receiver has verified the subject changes nothing here; another type is an error.
        members.boolean("verified")?;
        self.set_subject(caller, id, members, true).await?;
        // The same whether the subject exists or not (§9.1).
        Ok(Answer::empty(200))
    }

    pub(super) async fn remove_subject(
        &self,
        caller: &Caller,
        id: &str,
        members: &Members,
    ) -> Result<Answer, Problem> {
        self.set_subject(caller, id, members, false).await?;
        Ok(Answer::empty(204))
    }

    async fn set_subject(
        &self,
        caller: &Caller,
        id: &str,
        members: &Members,
        wanted: bool,
    ) -> Result<(), Problem> {
        let subject = members.object("subject")?.ok_or_else(|| Problem::member("subject", "is required"))?;
        let subject = Subject::from_members(subject.clone()).with_private_formats();
        let keys = subject.validate().and_then(|()| SubjectKeys::of(self.sealing(), &subject));
        let keys = keys.and_then(|keys| keys.check().map(|()| keys));
        let keys = keys.map_err(|error| {
            Problem::member(&format!("subject{}", error.pointer().unwrap_or_default()), error.message())
        })?;
        let stream = self.stream(caller, id).await?;
        Ok(self.store().set_subject(&stream.record.id, keys, wanted).await?)
    }
}
