//! The stream API: answers requests.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    Answer, Authentication, Caller, Head, StreamApiBuilder, Timer,
    problem::Problem,
    request::Members,
    route::{Operation, Routes},
    stored::Stream,
};
use crate::{
    dialect::Dialect,
    error::Result,
    key::KeySet,
    metadata::DefaultSubjects,
    outbox::{Seal, StreamStore},
    time::{Clock, Timestamp},
    web::media_type,
};

/// Judges the URL of an endpoint before it is kept.
pub(super) type Judge = Arc<dyn Fn(&str) -> Result<()> + Send + Sync>;

/// Answers the requests of receivers, and publishes events to their streams. Cheap to clone; clones share everything.
///
/// ```
/// use ssf_transmitter::{KeySet, KeyType, SigningKey, Subject, event::caep};
/// use ssf_transmitter::outbox::{Entry, MemoryStore};
/// use ssf_transmitter::stream::{Begun, Caller, Head, Scope, StreamApi};
///
/// # async fn example() -> Result<(), ssf_transmitter::Error> {
/// let keys = KeySet::new(SigningKey::generate(KeyType::Rsa2048)?);
/// let api = StreamApi::builder("https://tr.example.com", keys, MemoryStore::new())
///     .event("caep.session-revoked")
///     .build()?;
///
/// let head = Head::new("POST", "/ssf/streams").header("Content-Type", "application/json");
/// let caller = Caller::new("acme").audience("https://acme.example.com").scope(Scope::Manage);
/// let body = br#"{ "events_requested": ["https://schemas.openid.net/secevent/caep/event-type/session-revoked"] }"#;
/// let answer = match api.begin(&head, caller) {
///     Begun::Answered(answer) => answer,
///     Begun::Body(call) => call.respond(body).await,
/// };
/// assert_eq!(answer.status(), 201);
///
/// let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
/// let published = api.publish(Entry::new(event, Subject::email("ada@example.com"))).await?;
/// assert_eq!(published.streams, 1);
/// # Ok(())
/// # }
/// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone)]
pub struct StreamApi(Arc<Inner>);

struct Inner {
    settings: Settings,
    keys: KeySet,
    store: Arc<dyn StreamStore>,
}

/// What a host sets.
pub(super) struct Settings {
    pub(super) issuer: String,
    pub(super) routes: Routes,
    pub(super) seal: Option<Arc<Seal>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timer: Option<Arc<dyn Timer>>,
    pub(super) events: Vec<String>,
    pub(super) default_subjects: DefaultSubjects,
    pub(super) critical_subject_members: Vec<String>,
    pub(super) streams: u32,
    pub(super) min_verification_interval: Option<Duration>,
    pub(super) long_poll: Duration,
    pub(super) lease: Duration,
    pub(super) max_sets: u32,
    pub(super) max_waiting: u64,
    pub(super) push: Option<Judge>,
    pub(super) resource_metadata: Option<String>,
    pub(super) loopback: bool,
    pub(super) dialect: Dialect,
}

/// What follows from the head of a request.
#[derive(Debug)]
#[must_use = "the request is not answered yet"]
pub enum Begun {
    /// The answer. Do not read the body.
    Answered(Answer),
    /// The body is needed.
    Body(Call),
}

/// A request that is permitted, and waits for its body.
#[must_use = "the request is not answered yet"]
pub struct Call {
    api: StreamApi,
    operation: Operation,
    caller: Caller,
    stream_id: Option<String>,
    longest: Duration,
}

impl StreamApi {
    /// An API for `issuer`, the exact `iss` of the SETs, which these keys sign. Streams and deliveries are in the store.
    pub fn builder(
        issuer: impl Into<String>,
        keys: KeySet,
        store: impl StreamStore + 'static,
    ) -> StreamApiBuilder {
        StreamApiBuilder::new(issuer.into(), keys, Arc::new(store))
    }

    pub(super) fn of(settings: Settings, keys: KeySet, store: Arc<dyn StreamStore>) -> Result<Self> {
        let api = Self(Arc::new(Inner { settings, keys, store }));
        // A wrong setting is an error now, and not at the first request.
        api.metadata_document()?;
        api.0.keys.jwks()?;
        Ok(api)
    }

    /// Begins to answer a request: finds what it asks for, and whether the caller may. The body is not needed for that, and must not be
    /// read before.
    pub fn begin(&self, head: &Head, authentication: impl Into<Authentication>) -> Begun {
        match self.permit(head, authentication.into()) {
            Ok(Ok(call)) => Begun::Body(call),
            Ok(Err(answer)) => {
                Begun::Answered(if head.method() == "HEAD" { answer.without_body() } else { answer })
            }
            Err(problem) => Begun::Answered(problem.answer()),
        }
    }

    /// The call, or the answer where everybody may read it.
    fn permit(&self, head: &Head, authentication: Authentication) -> Result<Result<Call, Answer>, Problem> {
        let resource = self.settings().resource_metadata.as_deref();
        let operation = self.settings().routes.find(head)?;
        let Some(scope) = operation.scope() else {
            let document = if operation == Operation::Jwks { self.jwks() } else { self.metadata() };
            return Ok(Err(document?.answer(head)));
        };
        let caller = match authentication {
            Authentication::Missing => return Err(Problem::unauthenticated(resource)),
            Authentication::Invalid => return Err(Problem::not_authenticated(resource)),
            Authentication::Valid(caller) => caller,
        };
        if !caller.may(scope) {
            return Err(Problem::forbidden(scope, resource));
        }
        let limit = operation.max_body();
        let length = head.get("content-length").and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > limit && limit > 0) {
            return Err(Problem::too_large(limit));
        }
        // Some receivers name no type, as the examples of SSF 1.0 §8.1; another one is an error.
        let is_json = head.get("content-type").is_none_or(|kind| media_type(kind) == "application/json");
        if limit > 0 && !is_json && head.method() != "DELETE" {
            return Err(Problem::media_type());
        }
        let stream_id = head.parameter("stream_id");
        let longest = self.settings().long_poll;
        Ok(Ok(Call { api: self.clone(), operation, caller, stream_id, longest }))
    }

    /// Whether the API has something at this path: a server that has more than the API gives it these requests.
    ///
    /// ```
    /// # use ssf_transmitter::{KeySet, KeyType, SigningKey, outbox::MemoryStore, stream::StreamApi};
    /// # let keys = KeySet::new(SigningKey::generate(KeyType::P256)?);
    /// let api = StreamApi::builder("https://tr.example.com", keys, MemoryStore::new()).build()?;
    /// assert!(api.serves("/.well-known/ssf-configuration") && api.serves("/ssf/streams"));
    /// assert!(!api.serves("/login"));
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn serves(&self, path: &str) -> bool {
        self.settings().routes.has(path)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(super) fn store(&self) -> &dyn StreamStore {
        &*self.0.store
    }

    pub(super) fn keys(&self) -> &KeySet {
        &self.0.keys
    }

    pub(super) fn sealing(&self) -> Option<&Seal> {
        self.settings().seal.as_deref()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.settings().clock.now()
    }

    /// A stream of a caller. One of somebody else is as good as none.
    pub(super) async fn stream(&self, caller: &Caller, id: &str) -> Result<Stream, Problem> {
        let found = self.store().stream(id).await?;
        let own = found.filter(|record| record.owner == caller.receiver());
        Ok(Stream::open(self.sealing(), own.ok_or_else(Problem::no_such_stream)?)?)
    }

    /// Changes a stream of a caller: again, if somebody else has changed it meanwhile.
    pub(super) async fn change(
        &self,
        caller: &Caller,
        id: &str,
        mut change: impl FnMut(&mut Stream) -> Result<(), Problem> + Send,
    ) -> Result<Stream, Problem> {
        /// Each failure is a success of somebody else.
        const TRIES: u32 = 10;
        for _ in 0..TRIES {
            let mut stream = self.stream(caller, id).await?;
            change(&mut stream)?;
            let changed =
                Stream { record: stream.record.clone(), configuration: stream.configuration.clone() };
            if self.store().update_stream(changed.close(self.sealing())?).await? {
                return Ok(stream);
            }
        }
        Err(Problem::conflict("the stream is changed by others all the time"))
    }
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

    /// Answers the request. A long poll takes as long as the API lets it wait; dropped while it waits, it gives nothing out.
    pub async fn respond(self, body: &[u8]) -> Answer {
        let limit = self.limit();
        if limit > 0 && body.len() > limit {
            return self.too_long();
        }
        let body = if limit > 0 { body } else { &[] };
        match self.run(body).await {
            Ok(answer) => answer,
            Err(problem) => problem.answer(),
        }
    }

    /// The answer if the body is longer than [`limit`](Self::limit).
    pub fn too_long(&self) -> Answer {
        Problem::too_large(self.limit()).answer()
    }

    /// The answer if the body does not come in time.
    pub fn too_slow(&self) -> Answer {
        Problem::too_slow().answer()
    }

    async fn run(self, body: &[u8]) -> Result<Answer, Problem> {
        let Self { api, operation, caller, stream_id, longest } = self;
        let members = Members::read(body)?;
        let in_body = members.string("stream_id")?.map(str::to_owned);
        let id = |given: Option<String>| given.ok_or_else(|| Problem::member("stream_id", "is required"));
        match operation {
            Operation::Create => api.create(&caller, &members).await,
            Operation::Read => api.read(&caller, stream_id.as_deref()).await,
            Operation::Update => api.update(&caller, &id(in_body)?, &members).await,
            Operation::Replace => api.replace(&caller, &id(in_body)?, &members).await,
            Operation::Delete => api.delete(&caller, &id(stream_id.or(in_body))?).await,
            Operation::ReadStatus => api.read_status(&caller, &id(stream_id)?).await,
            Operation::UpdateStatus => api.update_status(&caller, &id(in_body)?, &members).await,
            Operation::AddSubject => api.add_subject(&caller, &id(in_body)?, &members).await,
            Operation::RemoveSubject => api.remove_subject(&caller, &id(in_body)?, &members).await,
            Operation::Verify => api.verify(&caller, &id(in_body)?, &members).await,
            Operation::Poll(id) => api.poll(&caller, &id, &members, longest).await,
            Operation::Metadata | Operation::Jwks => Err(Problem::no_such_path()),
        }
    }
}

impl fmt::Debug for StreamApi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StreamApi").field("issuer", &self.0.settings.issuer).finish_non_exhaustive()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Call").field("operation", &self.operation).finish_non_exhaustive()
    }
}
