//! A request that waits for its body.

use std::{fmt, time::Duration};

use super::{Answer, Caller, Step, StreamApi, problem::Problem, request::Members, route::Operation};

/// A request that is permitted, and waits for its body.
#[must_use = "the request is not answered yet"]
pub struct Call {
    pub(super) api: StreamApi,
    pub(super) operation: Operation,
    pub(super) caller: Caller,
    /// The `stream_id` of the query.
    pub(super) stream_id: Option<String>,
    /// How long a poll waits.
    pub(super) longest: Duration,
}

impl Call {
    /// How many bytes of the body to read at most; zero if there is nothing to read. What is longer need not be read to its end.
    pub fn limit(&self) -> usize {
        self.operation.max_body()
    }

    /// Lets a long poll wait no longer than this, for a server that has a thread wait with each.
    pub fn longest_poll(mut self, longest: Duration) -> Self {
        self.longest = self.longest.min(longest);
        self
    }

    /// Answers the request. A long poll takes as long as the API lets it wait; dropped while it waits, it gives nothing
    /// out. The [`Signer`](crate::Signer) of an external key signs what a poll gives out.
    pub async fn respond(self, body: &[u8]) -> Answer {
        match self.step(body).await {
            Step::Answered(answer) => answer,
            Step::Sign(signing) => signing.sign().await,
        }
    }

    /// Answers the request as [`respond`](Self::respond) does, or asks for the signatures of an external key first: for
    /// servers that sign between two steps.
    pub async fn step(self, body: &[u8]) -> Step {
        let limit = self.limit();
        if limit > 0 && body.len() > limit {
            return Step::Answered(self.too_long());
        }
        let body = if limit > 0 { body } else { &[] };
        let Self { api, operation, caller, stream_id, longest } = self;
        if let Operation::Poll(id) = &operation {
            let polled = api.poll(&caller, id, body, longest).await;
            return polled.unwrap_or_else(|problem| Step::Answered(problem.failed(&operation)));
        }
        let mut stream = None;
        let ran = api.run(&operation, &caller, stream_id, body, &mut stream).await;
        let (answer, outcome) = match ran {
            Ok(answer) => (answer, "done"),
            Err(problem) => {
                let outcome = problem.err();
                (problem.failed(&operation), outcome)
            }
        };
        Step::Answered(api.audited(answer, &operation, &caller, stream, outcome))
    }

    /// The answer if the body is longer than [`limit`](Self::limit).
    pub fn too_long(&self) -> Answer {
        self.api.refused(&self.operation, &self.caller, Problem::too_large(self.limit()))
    }

    /// The answer if the body does not come in time.
    pub fn too_slow(&self) -> Answer {
        self.api.refused(&self.operation, &self.caller, Problem::too_slow())
    }
}

impl StreamApi {
    /// Does what a request asks for that is no poll, and tells which stream it concerns.
    async fn run(
        &self,
        operation: &Operation,
        caller: &Caller,
        in_query: Option<String>,
        body: &[u8],
        stream: &mut Option<String>,
    ) -> Result<Answer, Problem> {
        let members = Members::read(body)?;
        let in_body = members.string("stream_id")?.map(str::to_owned);
        let given = match operation {
            Operation::Create => None,
            Operation::Delete => in_query.or(in_body),
            Operation::Read | Operation::ReadStatus => in_query,
            _ => in_body,
        };
        let given = match (given, operation) {
            (None, Operation::Create | Operation::Read) => None,
            (None, _) => self.only_stream(caller).await?,
            (given, _) => given,
        };
        stream.clone_from(&given);
        if *operation == Operation::Create {
            let created = self.create(caller, &members).await?;
            *stream = Some(created.record.id.clone());
            return Ok(Answer::json(201, &created.to_json(self.settings())));
        }
        let Some(id) = given.as_deref() else {
            return match operation {
                Operation::Read => self.read_all(caller).await,
                _ => Err(Problem::member("stream_id", "is required")),
            };
        };
        let resumed = match operation {
            Operation::Delete => None,
            _ => self.note_call(caller, id).await?,
        };
        let answer = self.answer(operation, caller, id, &members).await?;
        Ok(match resumed {
            Some(audit) => answer.audited(audit),
            None => answer,
        })
    }

    /// Does what a request about a stream asks for.
    async fn answer(
        &self,
        operation: &Operation,
        caller: &Caller,
        id: &str,
        members: &Members,
    ) -> Result<Answer, Problem> {
        match operation {
            Operation::Read => self.read(caller, id).await,
            Operation::Update => self.update(caller, id, members).await,
            Operation::Replace => self.replace(caller, id, members).await,
            Operation::Delete => self.delete(caller, id).await,
            Operation::ReadStatus => self.read_status(caller, id).await,
            Operation::UpdateStatus => self.update_status(caller, id, members).await,
            Operation::AddSubject => self.add_subject(caller, id, members).await,
            Operation::RemoveSubject => self.remove_subject(caller, id, members).await,
            Operation::Verify => self.verify(caller, id, members).await,
            Operation::Create
            | Operation::Metadata
            | Operation::ProtectedResource
            | Operation::Jwks
            | Operation::Poll(_) => Err(Problem::no_such_path()),
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Call").field("operation", &self.operation).finish_non_exhaustive()
    }
}
