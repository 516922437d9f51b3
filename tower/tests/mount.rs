//! The stream API in an axum server, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "mount/vectors.rs"]
mod vectors;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::extract::ConnectInfo;
use bytes::Bytes;
use serde_json::{Value, json};
use ssf_transmitter::{
    KeySet, KeyType, SigningKey,
    access_token::StaticToken,
    client::Authenticator,
    outbox::MemoryStore,
    stream::{Authentication, Caller, RateLimit, Scope, StreamApi},
};
use ssf_transmitter_tower::{ShutdownTimer, StreamService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tower_service::Service;

/// Starts a server, and returns its address.
async fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api = StreamApi::builder(format!("http://{address}"), keys, MemoryStore::new())
        .event("caep.session-revoked")
        .allow_loopback_http()
        .build()
        .unwrap();
    let service = StreamService::new(api, async |headers: http::HeaderMap| {
        match headers.get("authorization").map(http::HeaderValue::as_bytes) {
            Some(b"Bearer of-acme") => Caller::new("acme").scope(Scope::Manage).into(),
            Some(_) => Authentication::Invalid,
            None => Authentication::Missing,
        }
    });
    let app = axum::Router::new().fallback_service(service);
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Sends a request, of which only these bytes come, and returns the status and the body of the answer.
async fn send(address: &str, request: &str) -> io::Result<(u16, Value)> {
    let mut connection = TcpStream::connect(address).await?;
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, serde_json::from_str(body).unwrap_or_default()))
}

fn head(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: tr\r\nConnection: close\r\n{more}\r\n")
}

const TOKEN: &str = "Authorization: Bearer of-acme\r\n";

#[tokio::test]
async fn a_receiver_creates_and_reads_a_stream() {
    let address = start().await;
    let body = json!({}).to_string();
    let length = format!("{TOKEN}Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let (status, created) = send(&address, &(head("POST", "/ssf/streams", &length) + &body)).await.unwrap();
    assert_eq!(status, 201);
    let target = format!("/ssf/streams?stream_id={}", created["stream_id"].as_str().unwrap());
    assert_eq!(send(&address, &head("GET", &target, TOKEN)).await.unwrap(), (200, created));
    let (status, metadata) =
        send(&address, &head("GET", "/.well-known/ssf-configuration", "")).await.unwrap();
    assert_eq!((status, &metadata["issuer"]), (200, &json!(format!("http://{address}"))));
}

#[tokio::test]
async fn the_api_itself_finds_out_who_calls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let issuer = format!("http://{address}");
    let token = StaticToken::generate().unwrap();
    let authenticator = Authenticator::builder(format!("{issuer}/ssf"))
        .static_token(token.hash().clone(), Caller::new("acme").scope(Scope::Manage))
        .failure_limit(RateLimit::per_second(1).burst(1))
        .allow_loopback()
        .build()
        .unwrap();
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api = StreamApi::builder(issuer.as_str(), keys, MemoryStore::new())
        .authenticator(authenticator)
        .allow_loopback_http()
        .build()
        .unwrap();
    let service = StreamService::of(api)
        .with_remote(|parts| parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()));
    let app = axum::Router::new().fallback_service(service);
    tokio::spawn(
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).into_future(),
    );

    let good = format!("Authorization: Bearer {}\r\n", token.secret().expose());
    assert_eq!(send(&address, &head("GET", "/ssf/streams", &good)).await.unwrap(), (200, json!([])));
    let twice = format!("{good}{good}");
    assert_eq!(send(&address, &head("GET", "/ssf/streams", &twice)).await.unwrap().0, 400);
    let target = "/.well-known/oauth-protected-resource/ssf";
    let (status, document) = send(&address, &head("GET", target, "")).await.unwrap();
    assert_eq!((status, &document["resource"]), (200, &json!(format!("{issuer}/ssf"))));
    for status in [401, 429] {
        let wrong = head("GET", "/ssf/streams", "Authorization: Bearer wrong\r\n");
        assert_eq!(send(&address, &wrong).await.unwrap().0, status);
    }
}

#[tokio::test]
async fn nobody_waits_for_a_body_that_is_not_wanted() {
    let address = start().await;
    // The bodies never come: an answer shows that nobody waits for them.
    let announced = "Content-Type: application/json\r\nContent-Length: 10\r\n";
    let wrong = format!("Authorization: Bearer wrong\r\n{announced}");
    for headers in [announced, wrong.as_str()] {
        let (status, problem) = send(&address, &head("POST", "/ssf/streams", headers)).await.unwrap();
        assert_eq!((status, &problem["err"]), (401, &json!("authentication_failed")));
    }
    let large = format!("{TOKEN}Content-Type: application/json\r\nContent-Length: 1000000\r\n");
    assert_eq!(send(&address, &head("POST", "/ssf/streams", &large)).await.unwrap().0, 413);
    let text = format!("{TOKEN}Content-Type: text/plain\r\nContent-Length: 10\r\n");
    assert_eq!(send(&address, &head("POST", "/ssf/streams", &text)).await.unwrap().0, 415);
}

#[tokio::test]
async fn a_poll_that_waits_is_answered_when_the_server_ends() {
    let (shutdown, mut told) = watch::channel(false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api = StreamApi::builder(format!("http://{address}"), keys, MemoryStore::new())
        .long_poll(ShutdownTimer::new(told.clone()), Duration::from_hours(1))
        .allow_loopback_http()
        .build()
        .unwrap();
    let service = StreamService::new(api, async |_| Caller::new("acme").scope(Scope::Manage).into());
    let app = axum::Router::new().fallback_service(service);
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        told.wait_for(|told| *told).await.unwrap();
    });
    let server = tokio::spawn(server.into_future());

    let post =
        |target: &str| head("POST", target, "Content-Type: application/json\r\nContent-Length: 2\r\n") + "{}";
    let (_, created) = send(&address, &post("/ssf/streams")).await.unwrap();
    let mut polling = TcpStream::connect(&address).await.unwrap();
    let poll = post(&format!("/ssf/poll/{}", created["stream_id"].as_str().unwrap()));
    polling.write_all(poll.as_bytes()).await.unwrap();
    // The answer to a later connection tells that the one of the poll is accepted.
    assert_eq!(send(&address, &head("GET", "/ssf/streams", "")).await.unwrap().0, 200);
    shutdown.send_replace(true);
    let mut answer = String::new();
    polling.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"sets":{}}"#), "{answer}");
    server.await.unwrap().unwrap();
}

/// A body of which a byte comes now and then, and never all.
struct Drip(tokio::time::Interval);

impl http_body::Body for Drip {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        self.0.poll_tick(context).map(|_| Some(Ok(http_body::Frame::data(Bytes::from_static(b" ")))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_given_up() {
    let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
    let api = StreamApi::builder("https://tr.example.com", keys, MemoryStore::new()).build().unwrap();
    let mut service = StreamService::new(api, async |_| Caller::new("acme").scope(Scope::Manage).into());
    let begun = tokio::time::Instant::now();
    let body = Drip(tokio::time::interval(Duration::from_secs(2)));
    let request = http::Request::post("/ssf/streams").body(body).unwrap();
    let answer = service.call(request).await.unwrap();
    assert_eq!((answer.status(), begun.elapsed().as_secs()), (http::StatusCode::REQUEST_TIMEOUT, 10));
}

#[tokio::test]
async fn a_body_without_a_length_has_a_limit_too() {
    let address = start().await;
    let chunk = format!("{:x}\r\n{}\r\n", 70_000, " ".repeat(70_000));
    let chunked = format!("{TOKEN}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n");
    let request = head("POST", "/ssf/streams", &chunked) + &chunk + "0\r\n\r\n";
    assert_eq!(send(&address, &request).await.unwrap().0, 413);
}
