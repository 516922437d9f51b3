//! Requests over reqwest.

use std::{
    error::Error as StdError,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use reqwest::{Client, Proxy, redirect::Policy};
use tokio::time::Instant;

use super::{
    guard::Guard,
    handshake,
    resolver::{GuardedResolver, Unreachable},
    tls::{self, Trust},
};
use crate::{
    error::{Error, ErrorCode, Result},
    http::{BodyEnd, Endpoint, Failure, Method, RATE_LIMIT_RESETS, Request, Response},
    web::is_loopback,
};

const USER_AGENT: &str = concat!("ssf-transmitter/", env!("CARGO_PKG_VERSION"));
/// The headers by which answers are judged, beside those of [`RATE_LIMIT_RESETS`].
const KEPT: [&str; 6] =
    ["content-type", "content-encoding", "date", "retry-after", "link", "www-authenticate"];
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The answer to a SET is its status. The body is read for so long, so that the connection can serve again.
const PUSHED_BODY: Duration = Duration::from_millis(500);
/// What is wrong may stand in the body of a refusal. It is waited for so long.
const REFUSAL_BODY: Duration = Duration::from_secs(2);
/// Gateways add headers. An answer with more than the 100 that are usual is an answer all the same.
const MAX_HEADERS: usize = 512;
/// The same for HTTP/2, in bytes.
const MAX_HEADER_LIST: u32 = 256 * 1024;

/// How to reach the network.
#[derive(Default)]
pub(super) struct Network {
    pub(super) trust: Trust,
    pub(super) allowed: Vec<String>,
    pub(super) proxy: Option<String>,
}

/// One HTTP pool.
#[derive(Debug)]
pub(super) struct Transport {
    /// None after its owner was closed.
    client: RwLock<Option<Client>>,
    guard: Guard,
    tls: Arc<rustls::ClientConfig>,
    has_proxy: bool,
}

impl Transport {
    pub(super) fn new(network: &Network) -> Result<Self> {
        let mut guard = Guard::default();
        network.allowed.iter().try_for_each(|allowed| guard.allow(allowed))?;
        let tls = tls::config(&network.trust)?;
        let mut builder = Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls.clone())
            .dns_resolver(Arc::new(GuardedResolver(guard.clone())))
            // A SET and its credentials go where they were addressed to, and nowhere else.
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            // What follows the status line does not change what it says, so nobody is strict about it.
            .http1_max_headers(MAX_HEADERS)
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http2_max_header_list_size(MAX_HEADER_LIST);
        if let Some(proxy) = &network.proxy {
            let proxy = Proxy::all(proxy)
                .map_err(|_| Error::new(ErrorCode::ConfigurationInvalid, "this is no URL of a proxy"))?;
            builder = builder.proxy(proxy);
        }
        let client = builder
            .build()
            .map_err(|error| Error::internal("the HTTP client cannot be built").because(error))?;
        let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let by_environment = variables.iter().any(|name| std::env::var_os(name).is_some());
        let has_proxy = network.proxy.is_some() || by_environment;
        Ok(Self { client: RwLock::new(Some(client)), guard, tls: Arc::new(tls), has_proxy })
    }

    /// Lets go of all connections. Nothing is sent afterwards.
    pub(super) fn shut(&self) {
        self.client.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn client(&self) -> Result<Client, Failure> {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Failure::NotConnected)
    }

    /// Whether requests may go through a proxy.
    pub(super) fn has_proxy(&self) -> bool {
        self.has_proxy
    }

    /// Which version of TLS a host speaks; not through a proxy.
    pub(super) async fn tls_version(&self, endpoint: &Endpoint) -> Result<&'static str, Failure> {
        handshake::tls_version(self.tls.clone(), &self.guard, endpoint).await
    }

    /// Sends a request, and reads its answer up to its limit, in no more time than `timeout`. Once there is a status line
    /// there is an answer, however its body ends.
    pub(super) async fn send(&self, request: &Request, timeout: Duration) -> Result<Response, Failure> {
        if !self.permits(request) {
            return Err(Failure::Forbidden);
        }
        let began = Instant::now();
        let answer = tokio::time::timeout(timeout, self.exchange(request)).await;
        let mut answer = answer.unwrap_or(Err(Failure::TimedOut))?;
        let is_success = answer.status().is_success();
        let patience = match (is_success, request.is_push()) {
            (true, true) => PUSHED_BODY,
            (true, false) => timeout,
            (false, _) => REFUSAL_BODY,
        };
        let mut body = Vec::new();
        let reading = read(&mut answer, request.max_answer(), &mut body);
        let left = timeout.saturating_sub(began.elapsed()).min(patience);
        let end = tokio::time::timeout(left, reading).await.unwrap_or(BodyEnd::Unfinished);

        let names = KEPT.iter().chain(&RATE_LIMIT_RESETS).filter(|_| !(is_success && request.is_push()));
        let headers = names.flat_map(|name| {
            let values = answer.headers().get_all(*name).iter();
            values.filter_map(|value| Some(((*name).to_owned(), value.to_str().ok()?.to_owned())))
        });
        Ok(Response::new(answer.status().as_u16(), headers, body).with_body_end(end))
    }

    /// Names are judged when they are resolved; addresses, and the name of this machine, here.
    fn permits(&self, request: &Request) -> bool {
        let host = request.url.host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        match address {
            _ if request.url.is_allowed_loopback() => true,
            Ok(address) => self.guard.permits(address),
            Err(_) if is_loopback(request.url.url()) => self.guard.permits(IpAddr::from([127, 0, 0, 1])),
            Err(_) => true,
        }
    }

    /// Sends a request. The answer is there with its headers.
    async fn exchange(&self, request: &Request) -> Result<reqwest::Response, Failure> {
        let mut builder = self.client()?.request(method(request.method()), request.url.url().clone());
        if !request.body().is_empty() {
            builder = builder.body(request.body().to_owned());
        }
        for (name, value) in request.headers() {
            builder = builder.header(name, value);
        }
        builder.send().await.map_err(|error| failure(&error))
    }
}

/// Reads a body, as far as it goes and is to be read.
async fn read(answer: &mut reqwest::Response, limit: usize, body: &mut Vec<u8>) -> BodyEnd {
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => {
                let room = limit - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    return BodyEnd::TooLong;
                }
            }
            Ok(None) => return BodyEnd::Complete,
            Err(_) => return BodyEnd::Broken,
        }
    }
}

fn method(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Delete => reqwest::Method::DELETE,
    }
}

/// What became of a request, by the errors beneath reqwest's.
fn failure(error: &reqwest::Error) -> Failure {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(current) = cause {
        if let Some(unreachable) = current.downcast_ref::<Unreachable>() {
            return match unreachable {
                Unreachable::Unresolved => Failure::Unresolved,
                Unreachable::Forbidden => Failure::Forbidden,
            };
        }
        if current.is::<rustls::Error>() {
            return if error.is_connect() { Failure::Tls } else { Failure::Broken };
        }
        cause = beneath(current);
    }
    match error {
        error if error.is_connect() || error.is_builder() => Failure::NotConnected,
        error if error.is_timeout() => Failure::TimedOut,
        _ => Failure::Broken,
    }
}

/// The cause of an error. `source` of an error of input and output passes over the very error that it wraps.
fn beneath<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as _).or_else(|| error.source())
}
