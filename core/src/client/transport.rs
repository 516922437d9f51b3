//! Requests over reqwest.

use std::{
    error::Error as StdError,
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use reqwest::{Client, header::HeaderValue, redirect::Policy};
use tokio::time::sleep;

use super::{
    guard::Guard,
    handshake,
    network::Network,
    proxy::{Proxies, Proxy},
    resolver::{GuardedResolver, Unreachable},
    source_address::SourceAddress,
    tls, tls_failure,
    trust::TrustStore,
    tunnel::{Proxied, Tunnels},
};
use crate::{
    error::{Error, Result},
    http::{BodyEnd, Endpoint, Failure, Method, RATE_LIMIT_RESETS, Refusal, Request, Response},
};

const USER_AGENT: &str = concat!("ssf-transmitter/", env!("CARGO_PKG_VERSION"));
/// The headers by which answers are judged, beside those of [`RATE_LIMIT_RESETS`].
const KEPT: [&str; 6] =
    ["content-type", "content-encoding", "date", "retry-after", "link", "www-authenticate"];
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The answer to a SET is its status. The body is read for so long, so that the connection can serve again.
const PUSHED_BODY: Duration = Duration::from_millis(500);
/// How long to wait for the body of a rejection, which may explain it.
const REFUSAL_BODY: Duration = Duration::from_secs(2);
/// Gateways add headers. An answer with more than the 100 that are usual is an answer nevertheless.
pub(super) const MAX_HEADERS: usize = 512;
/// The same for HTTP/2, in bytes.
pub(super) const MAX_HEADER_LIST: u32 = 256 * 1024;

/// One HTTP pool, and one more behind the proxy.
#[derive(Debug)]
pub(super) struct Transport {
    /// None after its owner was closed.
    pools: RwLock<Option<Pools>>,
    tunnels: Option<Tunnels>,
    guard: Guard,
    source: SourceAddress,
    tls: Arc<rustls::ClientConfig>,
    trust: Arc<TrustStore>,
}

#[derive(Clone, Debug)]
struct Pools {
    direct: Client,
    proxied: Option<Proxied>,
}

impl Transport {
    pub(super) fn new(network: &Network) -> Result<Self> {
        let mut guard = Guard::default();
        network.allowed.iter().try_for_each(|allowed| guard.allow(allowed))?;
        let source = SourceAddress::new(network.source_address.as_deref())?;
        let trust = TrustStore::new(&network.trust.extra_roots)?;
        let tls = tls::config(&network.trust, &trust)?;
        let direct = Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls.clone())
            .dns_resolver(Arc::new(GuardedResolver(guard.clone(), source)))
            .local_address(source.ip())
            // A SET and its credentials go where they were addressed to, and nowhere else.
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            // What follows the status line does not change what it says, so nobody is strict about it.
            .http1_max_headers(MAX_HEADERS)
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http2_max_header_list_size(MAX_HEADER_LIST)
            // What goes through a proxy goes through `Proxied`: this pool has the guard, which must not judge proxies.
            .no_proxy()
            .build()
            .map_err(|error| Error::internal("the HTTP client cannot be built").because(error))?;
        let tls = Arc::new(tls);
        let tunnels = Proxies::new(network.proxy.as_deref())?
            .map(|found| Tunnels::new(found, source, &tls, USER_AGENT));
        let proxied = tunnels.clone().map(|tunnels| Proxied::new(tunnels, tls.clone()));
        let pools = RwLock::new(Some(Pools { direct, proxied }));
        Ok(Self { pools, tunnels, guard, source, tls, trust: Arc::new(trust) })
    }

    /// Lets go of all connections. Nothing is sent afterwards.
    pub(super) fn shut(&self) {
        self.pools.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn pools(&self) -> Result<Pools, Failure> {
        self.pools.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Failure::NotConnected)
    }

    /// The proxy that requests to a host go through.
    pub(super) fn proxy(&self, endpoint: &Endpoint) -> Option<Proxy> {
        self.tunnels.as_ref()?.proxies().for_endpoint(endpoint)
    }

    /// Whom it trusts.
    pub(super) fn trust(&self) -> &TrustStore {
        &self.trust
    }

    /// Which version of TLS a host speaks, through the proxy if there is one.
    pub(super) async fn tls_version(&self, endpoint: &Endpoint) -> Result<&'static str, Failure> {
        if !self.permits(endpoint) {
            return Err(Failure::Forbidden);
        }
        match (&self.tunnels, self.proxy(endpoint)) {
            (Some(tunnels), Some(_)) => handshake::through_proxy(self.tls.clone(), tunnels, endpoint).await,
            _ => handshake::direct(self.tls.clone(), &self.guard, self.source, endpoint).await,
        }
    }

    /// Sends a request, and reads its answer up to its limit, in no more time than `timeout`. Once there is a status line
    /// there is an answer, however its body ends.
    pub(super) async fn send(&self, request: &Request, timeout: Duration) -> Result<Response, Failure> {
        if !self.permits(&request.url) {
            return Err(Failure::Forbidden);
        }
        if !self.reaches(&request.url) {
            return Err(Failure::Refused(self.source.of_other_family().into()));
        }
        let mut timeout_passes = std::pin::pin!(sleep(timeout));
        let mut answer = tokio::select! {
            answer = self.exchange(request) => answer?,
            () = &mut timeout_passes => return Err(Failure::TimedOut),
        };
        let is_success = answer.status().is_success();
        let patience = match (is_success, request.is_push()) {
            (true, true) => PUSHED_BODY,
            (true, false) => timeout,
            (false, _) => REFUSAL_BODY,
        };
        let mut body = Vec::new();
        let end = tokio::select! {
            end = read(&mut answer, request.max_answer(), &mut body) => end,
            () = sleep(patience) => BodyEnd::Unfinished,
            () = timeout_passes => BodyEnd::Unfinished,
        };

        let names = KEPT.iter().chain(&RATE_LIMIT_RESETS).filter(|_| !(is_success && request.is_push()));
        let headers = names.flat_map(|name| {
            let values = answer.headers().get_all(*name).iter();
            values.filter_map(|value| Some(((*name).to_owned(), value.to_str().ok()?.to_owned())))
        });
        Ok(Response::new(answer.status().as_u16(), headers, body).with_body_end(end))
    }

    fn permits(&self, endpoint: &Endpoint) -> bool {
        self.guard.permits_endpoint(endpoint)
    }

    /// Whether the source address reaches the address in a URL. Names are judged when they are resolved.
    fn reaches(&self, endpoint: &Endpoint) -> bool {
        self.proxy(endpoint).is_some()
            || endpoint.address().is_none_or(|address| self.source.reaches(address))
    }

    /// The address of this machine that connections to a host, or to its proxy, leave from. Nothing is sent to either.
    pub(super) async fn local_address(&self, endpoint: &Endpoint) -> Option<IpAddr> {
        let proxy = self.proxy(endpoint);
        let (host, port) = match &proxy {
            Some(proxy) => (proxy.host(), proxy.port()),
            None => (endpoint.bare_host(), endpoint.url().port_or_known_default()?),
        };
        let found = tokio::net::lookup_host((host, port)).await.ok()?;
        self.source.towards(&found.collect::<Vec<_>>())
    }

    /// The source address that was set.
    pub(super) fn source_address(&self) -> Option<IpAddr> {
        self.source.ip()
    }

    /// Sends a request. The answer is there with its headers.
    async fn exchange(&self, request: &Request) -> Result<reqwest::Response, Failure> {
        let pools = self.pools()?;
        let mut builder = pools.direct.request(method(request.method()), request.url.url().clone());
        if !request.body().is_empty() {
            builder = builder.body(request.body().to_owned());
        }
        for (name, value) in request.headers() {
            // A value that is invalid in a header fails when the request is built.
            builder = match HeaderValue::from_str(value) {
                Ok(mut value) => {
                    // HTTP/2 keeps it out of its compression (RFC 7541 §7.1.3).
                    value.set_sensitive(name.eq_ignore_ascii_case("authorization"));
                    builder.header(name, value)
                }
                Err(_) => builder.header(name, value),
            };
        }
        let failed = |error: &(dyn StdError + 'static), connecting| {
            self.failure(error, connecting, request.url.host())
        };
        match (&pools.proxied, self.proxy(&request.url)) {
            (Some(proxied), Some(_)) => {
                let request = builder.build().and_then(TryInto::try_into);
                let request = request.map_err(|_: reqwest::Error| Failure::NotConnected)?;
                proxied.send(request).await.map_err(|error| failed(&error, error.is_connect()))
            }
            _ => {
                builder.send().await.map_err(|error| failed(&error, error.is_connect() || error.is_builder()))
            }
        }
    }

    /// The failure of a request to `host`, from the sources of the client's error. `connecting`: nothing was sent.
    fn failure(&self, error: &(dyn StdError + 'static), connecting: bool, host: &str) -> Failure {
        let mut cause = Some(error);
        while let Some(current) = cause {
            if let Some(unreachable) = current.downcast_ref::<Unreachable>() {
                return match unreachable {
                    Unreachable::Unresolved => Failure::Unresolved,
                    Unreachable::Forbidden => Failure::Forbidden,
                };
            }
            if let Some(refusal) = current.downcast_ref::<Refusal>() {
                return Failure::Refused(Box::new(refusal.clone()));
            }
            if let Some(refusal) = current.downcast_ref().and_then(|error| self.source.refusal(error)) {
                return Failure::Refused(Box::new(refusal));
            }
            if let Some(error) = current.downcast_ref::<rustls::Error>() {
                let identified = self.tls.client_auth_cert_resolver.has_certs();
                return if connecting || tls_failure::refuses_client(error, identified) {
                    Failure::Refused(Box::new(tls_failure::refusal(error, host, identified)))
                } else {
                    Failure::Broken
                };
            }
            cause = beneath(current);
        }
        match error.downcast_ref::<reqwest::Error>() {
            _ if connecting => Failure::NotConnected,
            Some(error) if error.is_timeout() => Failure::TimedOut,
            _ => Failure::Broken,
        }
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

/// The cause of an error. `source` of an error of input and output passes over the very error that it wraps.
fn beneath<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as _).or_else(|| error.source())
}
