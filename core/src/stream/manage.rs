//! Creates, reads, changes and deletes streams (SSF 1.0 §8.1.1.1 to §8.1.1.5).

use serde_json::Value;

use super::{
    Answer, Caller, StreamApi,
    configuration::Absent,
    habits::check_audience,
    problem::Problem,
    request::Members,
    stored::{Configuration, Delivery, Stream},
};
use crate::{
    metadata::{DELIVERY_POLL, DefaultSubjects},
    outbox::{Created, StreamRecord},
    random,
};

impl StreamApi {
    pub(super) async fn create(&self, caller: &Caller, members: &Members) -> Result<Stream, Problem> {
        // Characters of base64url are unreserved in URLs (RFC 3986 §2.3).
        let mut record = StreamRecord::new(random::identifier()?, caller.receiver());
        record.all_subjects = self.settings().default_subjects == DefaultSubjects::All;
        let delivery =
            Delivery { method: DELIVERY_POLL.to_owned(), endpoint_url: None, authorization_header: None };
        let configuration = Configuration {
            aud: caller.aud().into(),
            own_audience: false,
            dialect: caller.dialect_id().map(str::to_owned),
            events_requested: Vec::new(),
            description: None,
            delivery,
            reason: None,
            verified_at: None,
            active_at: Some(self.now().as_unix_millis()),
            stopping: None,
            canary: None,
            removals: Vec::new(),
        };
        let mut stream = Stream { record, configuration };
        stream.set(members, Absent::IsDeleted, self.settings())?;
        self.take_audience(&mut stream, members)?;
        let record = stream.clone().close(self.sealing())?;
        match self.store().create_stream(record, self.settings().streams).await? {
            Created::Yes => match self.verify_new(&stream).await {
                Ok(()) => Ok(stream),
                Err(error) => {
                    // The receiver tries again, and would have two.
                    self.store().delete_stream(&stream.record.id).await?;
                    Err(error.into())
                }
            },
            Created::LimitReached => {
                Err(Problem::conflict("the receiver has as many streams as it may have: delete one first"))
            }
        }
    }

    pub(super) async fn read(&self, caller: &Caller, id: &str) -> Result<Answer, Problem> {
        Ok(Answer::json(200, &self.stream(caller, id).await?.to_json(self.settings())))
    }

    /// All streams of the caller.
    pub(super) async fn read_all(&self, caller: &Caller) -> Result<Answer, Problem> {
        let records = self.store().streams_of(caller.receiver()).await?;
        let streams = records
            .into_iter()
            .map(|record| Ok::<_, Problem>(Stream::open(self.sealing(), record)?.to_json(self.settings())));
        Ok(Answer::json(200, &Value::Array(streams.collect::<Result<_, _>>()?)))
    }

    pub(super) async fn update(
        &self,
        caller: &Caller,
        id: &str,
        members: &Members,
    ) -> Result<Answer, Problem> {
        self.set(caller, id, members, Absent::Stays).await
    }

    pub(super) async fn replace(
        &self,
        caller: &Caller,
        id: &str,
        members: &Members,
    ) -> Result<Answer, Problem> {
        self.set(caller, id, members, Absent::IsDeleted).await
    }

    async fn set(
        &self,
        caller: &Caller,
        id: &str,
        members: &Members,
        absent: Absent,
    ) -> Result<Answer, Problem> {
        let changed = self
            .change(caller, id, |stream| {
                stream.check_supplied(members, self.settings())?;
                stream.set(members, absent, self.settings())?;
                check_audience(stream)
            })
            .await?;
        Ok(Answer::json(200, &changed.to_json(self.settings())))
    }

    pub(super) async fn delete(&self, caller: &Caller, id: &str) -> Result<Answer, Problem> {
        self.stream(caller, id).await?;
        // Deleted twice at once, it is gone nevertheless.
        self.store().delete_stream(id).await?;
        Ok(Answer::empty(204))
    }
}
