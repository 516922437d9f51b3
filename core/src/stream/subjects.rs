//! Whose events a stream gets (SSF 1.0 §8.1.3).

use super::{Answer, Caller, StreamApi, problem::Problem, request::Members};
use crate::{catalogue::SubjectFormat, error::pointer_step, outbox::SubjectKeys, subject::Subject};

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

    /// Refuses members of complex subjects that nobody knows. An event is looked up once for each combination of members that any
    /// stream has: with names of its own, one receiver could slow down the events of all.
    fn check_members(&self, subject: &Subject) -> Result<(), Problem> {
        let Some(format) = SubjectFormat::by_name("complex").filter(|format| format.name == subject.format())
        else {
            return Ok(());
        };
        let is_known = |name: &str| {
            name == "format"
                || format.members.iter().any(|member| member.name == name)
                || self.settings().critical_subject_members.iter().any(|other| other == name)
        };
        match subject.members().keys().find(|name| !is_known(name)) {
            Some(name) => {
                let place = format!("subject{}", pointer_step(name));
                Err(Problem::member(
                    &place,
                    "is a member of complex subjects that the transmitter does not know",
                ))
            }
            None => Ok(()),
        }
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
        self.check_members(&subject)?;
        let stream = self.stream(caller, id).await?;
        if wanted {
            self.keep(&stream, &keys).await?;
        } else if !self.settings().removal_grace.is_zero() {
            return self.remove_later(caller, id, &keys).await;
        }
        let limit = self.settings().subjects;
        if self.store().set_subject(&stream.record.id, keys, wanted, limit).await? {
            return Ok(());
        }
        Err(Problem::limit_reached(format!("the stream has {limit} subjects, as many as it may have")))
    }
}
