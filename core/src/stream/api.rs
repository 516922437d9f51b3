//! The stream API: answers requests.

use std::{fmt, sync::Arc};

use super::{
    Answer, Audit, Authentication, Call, Caller, Head, StreamApiBuilder, problem::Problem, route::Operation,
    settings::Settings, stored::Stream, waiting::Waiting,
};
use crate::{
    denial::{Denial, DenialReason},
    error::{Error, ErrorCode, Result},
    key::KeySet,
    outbox::{Seal, StreamStore},
    rate::RateLimiter,
    time::Timestamp,
    web::media_type,
};

/// So many callers are remembered for their rates.
const CALLERS: usize = 20_000;
/// A change is tried so often: each failure is a success of somebody else.
const TRIES: u32 = 10;

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
    requests: Option<RateLimiter<String>>,
    waiting: Waiting,
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
        let requests = settings.requests.map(|limit| RateLimiter::new(limit, CALLERS));
        let api = Self(Arc::new(Inner { settings, keys, store, requests, waiting: Waiting::default() }));
        // A wrong setting is an error now, and not at the first request.
        api.metadata_document()?;
        api.0.keys.jwks()?;
        Ok(api)
    }

    /// Finds out who calls with the [`authenticator`](StreamApiBuilder::authenticator), and [begins](Self::begin) to answer: all that a
    /// server does before it reads the body. Without an authenticator, nobody is let in.
    pub async fn admit(&self, head: &Head) -> Begun {
        // What everybody may read, and what there is not, costs no look at a token.
        let scope = self.settings().routes.find(head).ok().and_then(|operation| operation.scope());
        let authentication = match (&self.settings().authenticator, scope) {
            (Some(authenticator), Some(_)) => authenticator.authenticate(head).await.into(),
            _ => Authentication::Missing,
        };
        self.begin(head, authentication)
    }

    /// Begins to answer a request: finds what it asks for, and whether the caller may. The body is not needed for that, and must not be
    /// read before.
    pub fn begin(&self, head: &Head, authentication: impl Into<Authentication>) -> Begun {
        let answer = match self.permit(head, authentication.into()) {
            Ok(Ok(call)) => return Begun::Body(call),
            Ok(Err(answer)) => answer,
            Err(problem) => problem.answer(),
        };
        Begun::Answered(if head.method() == "HEAD" { answer.without_body() } else { answer })
    }

    /// The call, or the answer where everybody may read it.
    fn permit(&self, head: &Head, authentication: Authentication) -> Result<Result<Call, Answer>, Problem> {
        let operation = self.settings().routes.find(head)?;
        let Some(scope) = operation.scope() else {
            let document = self.document(&operation).inspect_err(|problem| problem.trace(&operation))?;
            return Ok(Err(document.answer(head)));
        };
        let caller = match authentication {
            Authentication::Missing => return Err(self.denied(DenialReason::CredentialsMissing.into())),
            Authentication::Invalid => return Err(self.denied(DenialReason::TokenUnknown.into())),
            Authentication::Denied(denial) => return Err(self.denied(denial)),
            Authentication::Valid(caller) => caller,
        };
        self.within_rate(&caller)?;
        if !caller.may(scope) {
            let authenticator = self.settings().authenticator.as_ref();
            let denial = authenticator.map_or_else(
                || Denial::new(DenialReason::ScopeInsufficient).with_scope(scope.as_str()),
                |authenticator| authenticator.scope_required(scope),
            );
            return Ok(Err(self.refused(&operation, &caller, self.denied(denial))));
        }
        let limit = operation.max_body();
        let fits = |length: &str| length.parse().is_ok_and(|length: usize| length <= limit);
        if limit > 0 && !head.get("content-length").is_none_or(fits) {
            return Ok(Err(self.refused(&operation, &caller, Problem::too_large(limit))));
        }
        // Some receivers name no type, as the examples of SSF 1.0 §8.1; another one is an error.
        let is_json = head.get("content-type").is_none_or(|kind| media_type(kind) == "application/json");
        if limit > 0 && !is_json && head.method() != "DELETE" {
            return Ok(Err(self.refused(&operation, &caller, Problem::media_type())));
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

    /// The answer to a known caller whose body is not looked at.
    pub(super) fn refused(&self, operation: &Operation, caller: &Caller, problem: Problem) -> Answer {
        let outcome = problem.err();
        self.audited(problem.answer(), operation, caller, None, outcome)
    }

    /// An answer with what an audit log says of it.
    pub(super) fn audited(
        &self,
        answer: Answer,
        operation: &Operation,
        caller: &Caller,
        stream: Option<String>,
        outcome: &'static str,
    ) -> Answer {
        let Some(action) = operation.action() else { return answer };
        let audit = Audit::new(self.now(), caller.receiver(), action).with_outcome(outcome);
        let audit = match stream {
            Some(id) => audit.with_stream(id),
            None => audit,
        };
        audit.trace();
        answer.audited(audit)
    }

    /// A caller that is not let in, and where it gets a token (RFC 9728 §5.1).
    fn denied(&self, denial: Denial) -> Problem {
        Problem::denied(&match &self.settings().resource_metadata {
            Some(url) => denial.with_resource_metadata(Arc::clone(url)),
            None => denial,
        })
    }

    fn within_rate(&self, caller: &Caller) -> Result<(), Problem> {
        let Some(limiter) = &self.0.requests else { return Ok(()) };
        let taken = limiter.take(&caller.receiver().to_owned(), self.settings().steady.now());
        taken.map_err(|wait| self.denied(Denial::new(DenialReason::RateLimited).with_retry_after(wait)))
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

    pub(super) fn waiting(&self) -> &Waiting {
        &self.0.waiting
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

    /// Changes a stream, whoever it belongs to, if `change` says so; returns it then. Again, if somebody else has changed it meanwhile.
    pub(super) async fn change_if(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Stream) -> bool + Send,
    ) -> Result<Option<Stream>> {
        for _ in 0..TRIES {
            let Some(record) = self.store().stream(id).await? else { return Ok(None) };
            let mut stream = Stream::open(self.sealing(), record)?;
            if !change(&mut stream) {
                return Ok(None);
            }
            if self.store().update_stream(stream.clone().close(self.sealing())?).await? {
                return Ok(Some(stream));
            }
        }
        Err(Error::new(ErrorCode::OutboxUnavailable, "a stream is changed by others all the time"))
    }

    /// Changes a stream of a caller: again, if somebody else has changed it meanwhile.
    pub(super) async fn change(
        &self,
        caller: &Caller,
        id: &str,
        mut change: impl FnMut(&mut Stream) -> Result<(), Problem> + Send,
    ) -> Result<Stream, Problem> {
        for _ in 0..TRIES {
            let mut stream = self.stream(caller, id).await?;
            change(&mut stream)?;
            if self.store().update_stream(stream.clone().close(self.sealing())?).await? {
                return Ok(stream);
            }
        }
        Err(Problem::conflict("the stream is changed by others all the time"))
    }
}

impl fmt::Debug for StreamApi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StreamApi").field("issuer", &self.0.settings.issuer).finish_non_exhaustive()
    }
}
