//! Requests through a proxy: CONNECT (RFC 9110 §9.3.6), and HTTP over TLS inside.
//!
//! reqwest opens tunnels too, but says neither why one did not come about nor whether it was the proxy that failed.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Uri, header};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use reqwest::{Body, Response};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    proxy::{Proxies, Proxy},
    source_address::SourceAddress,
    tls_failure,
    transport::{CONNECT_TIMEOUT, MAX_HEADER_LIST, MAX_HEADERS},
};
use crate::{error::ErrorCode, http::Refusal};

/// The longest head of an answer to CONNECT.
const MAX_HEAD: usize = 16 * 1024;

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Opens tunnels.
#[derive(Clone, Debug)]
pub(super) struct Tunnels {
    proxies: Arc<Proxies>,
    source: SourceAddress,
    /// For proxies that are spoken to over TLS, in HTTP/1.1.
    tls: Arc<ClientConfig>,
    user_agent: &'static str,
}

impl Tunnels {
    pub(super) fn new(
        proxies: Proxies,
        source: SourceAddress,
        tls: &ClientConfig,
        user_agent: &'static str,
    ) -> Self {
        let mut tls = tls.clone();
        tls.alpn_protocols.clear();
        Self { proxies: Arc::new(proxies), source, tls: Arc::new(tls), user_agent }
    }

    pub(super) fn proxies(&self) -> &Proxies {
        &self.proxies
    }

    /// A connection to the host of a URL, through the proxy.
    pub(super) async fn open(&self, to: &Uri, limit: Duration) -> Result<Stream, Refusal> {
        let Some(proxy) = self.proxies.for_uri(to) else {
            return Err(Refusal::new(ErrorCode::ConnectionFailed, "no proxy is set for this host"));
        };
        let opened = async { self.connect(self.reach(&proxy).await?, &proxy, to).await };
        timeout(limit, opened).await.unwrap_or_else(|_| Err(proxy.unreachable("gave no answer in time")))
    }

    /// A connection to the proxy. The guard does not judge it: the operator named it.
    async fn reach(&self, proxy: &Proxy) -> Result<Stream, Refusal> {
        let found = tokio::net::lookup_host((proxy.host(), proxy.port())).await;
        let addresses: Vec<_> =
            found.map_err(|_| proxy.unreachable("has a name that could not be resolved"))?.collect();
        let failed = |error: io::Error| {
            let unreachable = || proxy.unreachable(format!("could not be connected to ({})", error.kind()));
            self.source.refusal(&error).unwrap_or_else(unreachable)
        };
        let stream = self.source.connect(&addresses).await.map_err(failed)?;
        let stream = TokioIo::new(stream);
        if !proxy.is_https() {
            return Ok(MaybeHttpsStream::Http(stream));
        }
        let name = ServerName::try_from(proxy.host().to_owned())
            .map_err(|_| proxy.unreachable("has a name that no certificate can cover"))?;
        match TlsConnector::from(self.tls.clone()).connect(name, TokioIo::new(stream)).await {
            Ok(stream) => Ok(stream.into()),
            Err(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(error) => {
                    let identified = self.tls.client_auth_cert_resolver.has_certs();
                    Err(tls_failure::refusal(error, &proxy.to_string(), identified))
                }
                None => Err(proxy.unreachable("closed the connection during the TLS handshake")),
            },
        }
    }

    /// Asks the proxy for a tunnel.
    async fn connect(&self, stream: Stream, proxy: &Proxy, to: &Uri) -> Result<Stream, Refusal> {
        let target = format!("{}:{}", to.host().unwrap_or_default(), to.port_u16().unwrap_or(443));
        let mut head =
            format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {}\r\n", self.user_agent);
        if let Some(value) = proxy.authorization().and_then(|value| value.to_str().ok()) {
            head.push_str("Proxy-Authorization: ");
            head.push_str(value);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");

        let mut stream = TokioIo::new(stream);
        let broken = |_: io::Error| proxy.unreachable("broke the connection before it answered");
        stream.write_all(head.as_bytes()).await.map_err(broken)?;
        stream.flush().await.map_err(broken)?;
        let mut answer = Vec::new();
        loop {
            let mut part = [0; 1024];
            let length = stream.read(&mut part).await.map_err(broken)?;
            if length == 0 {
                return Err(proxy.unreachable("closed the connection before it answered"));
            }
            answer.extend_from_slice(&part[..length]);
            loop {
                match verdict(&answer, proxy, &target)? {
                    Verdict::Open(length) if length == answer.len() => return Ok(stream.into_inner()),
                    Verdict::Open(_) => return Err(proxy.unreachable("sends data before the tunnel is used")),
                    Verdict::Interim(length) => drop(answer.drain(..length)),
                    Verdict::Incomplete if answer.len() < MAX_HEAD => break,
                    Verdict::Incomplete => return Err(proxy.unreachable("answered with too many headers")),
                }
            }
        }
    }
}

/// What an answer to CONNECT says, and how long it is.
enum Verdict {
    Open(usize),
    /// Another answer follows (RFC 9110 §15.2).
    Interim(usize),
    Incomplete,
}

/// What the proxy answers to CONNECT.
fn verdict(answer: &[u8], proxy: &Proxy, target: &str) -> Result<Verdict, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let length = match response.parse(answer) {
        Ok(httparse::Status::Partial) => return Ok(Verdict::Incomplete),
        Ok(httparse::Status::Complete(length)) => length,
        Err(_) => return Err(proxy.unreachable("does not answer like an HTTP proxy")),
    };
    let status = response.code.unwrap_or_default();
    let (code, what) = match status {
        100..200 => return Ok(Verdict::Interim(length)),
        200..300 => return Ok(Verdict::Open(length)),
        407 => (ErrorCode::ProxyRefused, credentials(response.headers, proxy)),
        429 | 500..=510 => (
            ErrorCode::ProxyUnavailable,
            format!("answered {status}: it cannot open a tunnel to {target} now"),
        ),
        _ => (ErrorCode::ProxyRefused, format!("answered {status}: it rejects a tunnel to {target}")),
    };
    Err(Refusal::new(code, format!("{proxy} {what}")).with_status(status))
}

/// Why the proxy answers 407: RFC 9110 §11.7.1 has it list the schemes that it accepts.
fn credentials(headers: &[httparse::Header<'_>], proxy: &Proxy) -> String {
    let offers = |wanted: &str| {
        let challenges =
            headers.iter().filter(|header| header.name.eq_ignore_ascii_case("proxy-authenticate"));
        challenges.flat_map(|header| header.value.split(|byte| *byte == b',')).any(|challenge| {
            let challenge = challenge.trim_ascii();
            let scheme = challenge.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            scheme.eq_ignore_ascii_case(wanted.as_bytes())
        })
    };
    let others: Vec<_> = ["NTLM", "Negotiate", "Kerberos", "Digest", "Bearer"]
        .into_iter()
        .filter(|scheme| offers(scheme))
        .collect();
    if !offers("Basic") && !others.is_empty() {
        return format!(
            "answered 407: it accepts only {}, but the library supports only Basic",
            others.join(" and ")
        );
    }
    match proxy.authorization() {
        None => "answered 407: it requires a user name and password".to_owned(),
        Some(_) => "answered 407: it does not accept the user name and password in its URL".to_owned(),
    }
}

impl Service<Uri> for Tunnels {
    type Response = Stream;
    type Error = Refusal;
    type Future = BoxFuture<Stream, Refusal>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let tunnels = self.clone();
        Box::pin(async move { tunnels.open(&to, CONNECT_TIMEOUT).await })
    }
}

/// Tunnels with TLS inside, which come about in time or not at all.
#[derive(Clone)]
struct Bounded(HttpsConnector<Tunnels>);

impl Service<Uri> for Bounded {
    type Response = MaybeHttpsStream<Stream>;
    type Error = BoxError;
    type Future = BoxFuture<Self::Response, BoxError>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.0.call(to);
        let late = || -> BoxError { io::Error::from(io::ErrorKind::TimedOut).into() };
        Box::pin(async move { timeout(CONNECT_TIMEOUT, connecting).await.unwrap_or_else(|_| Err(late())) })
    }
}

/// An HTTP pool behind a proxy.
#[derive(Clone, Debug)]
pub(super) struct Proxied {
    user_agent: &'static str,
    pool: legacy::Client<Bounded, Body>,
}

impl Proxied {
    pub(super) fn new(tunnels: Tunnels, tls: Arc<ClientConfig>) -> Self {
        let user_agent = tunnels.user_agent;
        let connector = Bounded(HttpsConnector::from((tunnels, tls)));
        let pool = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            // As lenient as the pool without a proxy.
            .http1_max_headers(MAX_HEADERS)
            .http1_ignore_invalid_headers_in_responses(true)
            .http1_allow_spaces_after_header_name_in_responses(true)
            .http1_allow_obsolete_multiline_headers_in_responses(true)
            .http2_max_header_list_size(MAX_HEADER_LIST)
            .build(connector);
        Self { user_agent, pool }
    }

    /// Sends a request.
    pub(super) async fn send(&self, mut request: http::Request<Body>) -> Result<Response, legacy::Error> {
        let agent = header::HeaderValue::from_static(self.user_agent);
        request.headers_mut().entry(header::USER_AGENT).or_insert(agent);
        Ok(self.pool.request(request).await?.map(Body::wrap).into())
    }
}
