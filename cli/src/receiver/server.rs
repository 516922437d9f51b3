//! The HTTP server: takes requests, has them answered, and writes the ledger.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::answer::{Answer, Notes};
use super::config::Config;
use super::ledger::{self, Entry, Ledger, RequestFacts};
use super::profile::Profile;
use super::push::PushEndpoint;
use super::token::TokenEndpoint;
use super::{Error, Result};

/// The largest body that is looked at.
const BODY_LIMIT: usize = 1024 * 1024;
/// The largest body that is read to its end. An answer before that end might not reach a sender that is busy
/// writing.
const READ_LIMIT: usize = 16 * BODY_LIMIT;
/// How long requests under way may take once the emulator is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// A running receiver. It stops when it is dropped; [`Emulator::stop`] waits for that as well.
pub struct Emulator {
    base_url: String,
    profile: &'static Profile,
    ledger: Arc<Ledger>,
    /// Dropping it tells the server to stop.
    running: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Starts a receiver on the current tokio runtime. It takes requests when this returns.
    pub async fn start(config: Config) -> Result<Self> {
        config.check()?;
        let ledger = Arc::<Ledger>::default();
        let service = Arc::new(Service::new(&config, Arc::clone(&ledger))?);
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|error| Error::listen(config.listen, error))?;
        let address = listener.local_addr().map_err(|error| Error::listen(config.listen, error))?;

        let router = Router::new().fallback(serve).with_state(service);
        let (running, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            // Nothing is ever sent; the other end goes away.
            let _ = stopped.await;
        });
        let server = tokio::spawn(async move {
            // It ends with the shutdown; failures to accept a connection are retried inside.
            let _ = server.await;
        });
        Ok(Self {
            base_url: format!("http://{address}"),
            profile: config.like.profile(),
            ledger,
            running: Some(running),
            server: Some(server),
        })
    }

    /// The URL before every path, without a slash at its end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The URL SETs are pushed to.
    pub fn push_url(&self) -> String {
        format!("{}{}", self.base_url, self.profile.push_path)
    }

    /// The URL of the token endpoint, if the receiver has one.
    pub fn token_url(&self) -> Option<String> {
        self.profile.token_path.map(|path| format!("{}{path}", self.base_url))
    }

    /// The URL of the ledger: GET reads it, DELETE clears it.
    pub fn ledger_url(&self) -> String {
        format!("{}{}", self.base_url, ledger::PATH)
    }

    /// What the receiver saw so far, oldest first.
    pub fn ledger(&self) -> Vec<Entry> {
        self.ledger.entries()
    }

    /// Stops the receiver and waits until requests under way are answered, for some seconds at most.
    pub async fn stop(mut self) {
        self.running = None;
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(GRACE, &mut server).await.is_err()
        {
            server.abort();
        }
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator")
            .field("like", &self.profile.name)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// A request, read to its end.
pub(crate) struct Received {
    pub(crate) method: Method,
    path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body was larger than the limit; what is here of it is not for use.
    too_large: bool,
}

impl Received {
    async fn read(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, READ_LIMIT).await;
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            too_large: body.as_ref().map_or(true, |body| body.len() > BODY_LIMIT),
            body: body.unwrap_or_default(),
        }
    }
}

struct Service {
    profile: &'static Profile,
    ledger: Arc<Ledger>,
    tokens: Option<Arc<TokenEndpoint>>,
    push: PushEndpoint,
}

impl Service {
    fn new(config: &Config, ledger: Arc<Ledger>) -> Result<Self> {
        let tokens =
            config.client.clone().map(|client| Arc::new(TokenEndpoint::new(client, config.token_lifetime)));
        let push = PushEndpoint::new(config, tokens.clone())?;
        Ok(Self { profile: config.like.profile(), ledger, tokens, push })
    }

    /// The answer of the endpoint at that path.
    async fn answer(&self, request: &Received) -> Answer {
        if request.too_large {
            return Answer::empty(StatusCode::PAYLOAD_TOO_LARGE);
        }
        match &self.tokens {
            Some(tokens) if self.profile.token_path == Some(request.path.as_str()) => tokens.answer(request),
            _ if request.path == self.profile.push_path => self.push.answer(request).await,
            _ => Answer::empty(StatusCode::NOT_FOUND),
        }
    }

    fn answer_about_ledger(&self, method: &Method) -> Answer {
        match *method {
            Method::GET => match serde_json::to_value(self.ledger.entries()) {
                Ok(entries) => Answer::json(StatusCode::OK, &entries),
                Err(error) => {
                    Answer::json(StatusCode::INTERNAL_SERVER_ERROR, &Value::from(error.to_string()))
                }
            },
            Method::DELETE => {
                self.ledger.clear();
                Answer::empty(StatusCode::NO_CONTENT)
            }
            _ => Answer::method_not_allowed("GET, DELETE"),
        }
    }
}

/// Every request comes in here, so that refused and misdirected ones get into the ledger as well.
async fn serve(State(service): State<Arc<Service>>, request: Request) -> Response<Body> {
    let request = Received::read(request).await;
    if request.path == ledger::PATH {
        return service.answer_about_ledger(&request.method).into_response();
    }
    // The place for answers that a test asked for in advance: between here and the endpoints.
    let mut answer = service.answer(&request).await;
    service.ledger.add(entry(&request, answer.status, std::mem::take(&mut answer.notes)));
    answer.into_response()
}

fn entry(request: &Received, status: StatusCode, notes: Notes) -> Entry {
    Entry {
        sequence: 0,
        method: request.method.to_string(),
        path: request.path.clone(),
        status: status.as_u16(),
        err: notes.err.map(str::to_owned),
        description: notes.description,
        dropped: notes.dropped,
        header: notes.header,
        claims: notes.claims,
        request: RequestFacts::of(&request.headers),
    }
}
