//! A real HTTP server on the loopback interface, with the answers that a test scripts.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, State},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::IntoResponse,
    routing::any,
};
use ssf_transmitter::{KeyType, Receiver, SigningKey, Transmitter, delivery::RetryPolicy};
use tokio::net::TcpListener;

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Where the connection comes from.
    pub(crate) peer: IpAddr,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// An answer: status, headers, body.
pub(crate) type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

type Log = Arc<Mutex<Vec<Seen>>>;
type Script = dyn Fn(&Seen, usize) -> Answer + Send + Sync;

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) base: String,
    seen: Log,
}

impl Server {
    /// Answers each request as `script` says, which is told the request and how many came before it to the same path.
    pub(crate) async fn start(script: impl Fn(&Seen, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let seen = Log::default();
        let script: Arc<Script> = Arc::new(script);
        let routes = Router::new().fallback(any(answer)).with_state((seen.clone(), script));
        let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { base, seen }
    }

    /// Gives every request the same answer.
    pub(crate) async fn always(status: u16, headers: &[(&'static str, &str)], body: &str) -> Self {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let body = body.as_bytes().to_vec();
        Self::start(move |_, _| (status, headers.clone(), body.clone())).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn receiver(&self) -> Receiver {
        Receiver::builder(self.url("/events"), "https://receiver.example.net")
            .allow_loopback()
            .build()
            .unwrap()
    }
}

async fn answer(
    State((log, script)): State<(Log, Arc<Script>)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let seen = Seen {
        peer: peer.ip(),
        method: method.to_string(),
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let (status, headers, body) = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|other| other.path == seen.path).count();
        log.push(seen.clone());
        script(&seen, before)
    };
    let headers: HeaderMap =
        headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
    (StatusCode::from_u16(status).unwrap(), headers, body)
}

pub(crate) fn transmitter() -> Transmitter {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    // One attempt, so that each answer is seen for what it means.
    Transmitter::builder("https://edr.example.com", key).retry(RetryPolicy::once()).build().unwrap()
}
