//! Receivers of others, over real sockets: easyssf (streams, push and poll) and authkestra (push).

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{collections::HashMap, future::IntoFuture, sync::Arc, time::Duration};

use authkestra_ssf::{CaepEvent, HandlerError, PushReceiver, SecurityEventToken, SetHandler, SetVerifier};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use easyssf_receiver::{
    SsfReceiver,
    config::{SsfDeliveryMethodConfig, SsfReceiverConfig, SsfStreamManagement},
    event::SsfEventContext,
    receiver::SsfHealthStatus,
};
use jsonwebtoken::{Algorithm, DecodingKey, jwk::JwkSet};
use serde_json::json;
use ssf_transmitter::{
    KeySet, KeyType, Receiver, SigningKey, Subject, Transmitter,
    access_token::StaticToken,
    client::{Authenticator, StreamReceivers, Worker},
    event::{ChangeType, caep},
    outbox::{Entry, MemoryStore, Outbox, Store},
    stream::{Caller, Scope, StreamApi},
};
use ssf_transmitter_tower::{StreamService, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

const AUDIENCE: &str = "https://acme.example.com";
/// Long enough for any step on a busy machine; only a hang takes so long.
const GUARD: Duration = Duration::from_secs(120);

/// A transmitter in a server of its own.
struct World {
    api: StreamApi,
    store: MemoryStore,
    keys: KeySet,
    issuer: String,
    token: StaticToken,
}

impl World {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (keys, store) =
            (KeySet::new(SigningKey::generate(KeyType::Rsa2048).unwrap()), MemoryStore::new());
        let token = StaticToken::generate().unwrap();
        let caller = Caller::new("acme").audience(AUDIENCE).scope(Scope::Manage);
        let authenticator = Authenticator::builder(format!("{issuer}/ssf"))
            .static_token(token.hash().clone(), caller)
            .allow_loopback()
            .build()
            .unwrap();
        let api = StreamApi::builder(issuer.as_str(), keys.clone(), store.clone())
            .events(["caep.session-revoked", "caep.credential-change"])
            .authenticator(authenticator)
            .long_poll(TokioTimer, Duration::from_secs(5))
            .push(|_| Ok(()))
            .allow_loopback_http()
            .build()
            .unwrap();
        let app = Router::new().fallback_service(StreamService::of(api.clone()));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { api, store, keys, issuer, token }
    }

    /// Settings for easyssf: it looks for its stream, and creates one.
    fn easyssf(&self, delivery: SsfDeliveryMethodConfig) -> SsfReceiverConfig {
        let mut config = SsfReceiverConfig::for_transmitter(&self.issuer);
        let transmitter = &mut config.transmitter;
        transmitter.delivery_method = delivery;
        transmitter.expected_audience = Some(AUDIENCE.to_owned());
        transmitter.transmitter_access_token = Some(self.token.secret().expose().clone());
        transmitter.stream.management = SsfStreamManagement::Receiver;
        transmitter.poll.long_polling = true;
        transmitter.poll.long_polling_hold = Duration::from_secs(5);
        transmitter.poll.initial_delay = Duration::ZERO;
        config
    }

    async fn publish(&self) -> String {
        let event = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
        let entry = Entry::new(event, Subject::email("ada@example.com"));
        let published = self.api.publish(entry).await.unwrap();
        assert_eq!(published.streams, 1);
        published.jtis[0].clone()
    }

    /// Waits until all is delivered, or nothing more is.
    async fn delivered(&self, count: u64) {
        within(async {
            while self.store.counts().await.unwrap().delivered < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(GUARD, work).await.expect("a step hangs")
}

/// What a receiver of easyssf handles: the id of the SET, the email address of its subject, and why.
type Handled = UnboundedReceiver<(String, String, String)>;

fn easyssf(config: SsfReceiverConfig) -> (SsfReceiver, Handled) {
    let (sender, handled) = unbounded_channel();
    let handler = move |context: SsfEventContext| {
        let sender: UnboundedSender<_> = sender.clone();
        async move {
            // Verifications and other events of the framework come here, too.
            if let Some(event) = context.event_for("CaepSessionRevoked") {
                let reason = event["reason_admin"]["en"].as_str().unwrap_or_default().to_owned();
                let email = context.subject().email().unwrap_or_default().to_owned();
                sender.send((context.event_token().jti().to_owned(), email, reason))?;
            }
            Ok(())
        }
    };
    (SsfReceiver::builder(config).handler(handler).build().unwrap(), handled)
}

/// The id of its stream, once there is one.
async fn registered(receiver: &SsfReceiver) -> String {
    within(async {
        loop {
            let health = receiver.health().await;
            if let Some(stream) = health.transmitters[0].stream_id.clone() {
                return stream;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn easyssf_creates_a_stream_and_polls() {
    let world = World::start().await;
    let (receiver, mut handled) = easyssf(world.easyssf(SsfDeliveryMethodConfig::Poll));
    receiver.start();
    registered(&receiver).await;
    for count in 1..=3 {
        let jti = world.publish().await;
        let expected = (jti, "ada@example.com".to_owned(), "Laptop lost".to_owned());
        assert_eq!(within(handled.recv()).await.unwrap(), expected);
        world.delivered(count).await;
    }
    let health = receiver.health().await;
    assert_eq!(health.status, SsfHealthStatus::Healthy, "{health:?}");
    receiver.shutdown().await;
    let counts = world.store.counts().await.unwrap();
    assert_eq!((counts.delivered, counts.dead, counts.waiting), (3, 0, 0), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn easyssf_creates_a_stream_and_has_its_events_pushed() {
    let world = World::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // Another host than that of the transmitter, which is refused.
    let endpoint = format!("http://localhost:{}/ssf/push", listener.local_addr().unwrap().port());
    let mut config = world.easyssf(SsfDeliveryMethodConfig::Push);
    config.transmitter.push.delivery_endpoint_url = Some(endpoint.parse().unwrap());
    config.transmitter.push.expected_auth_header = Some("Bearer of-the-receiver".to_owned());
    let (receiver, mut handled) = easyssf(config);
    let handler = receiver.push_handler();
    let push = async move |headers: HeaderMap, body: Bytes| {
        let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
        let answer = handler.handle(authorization, &body).await;
        (StatusCode::from_u16(answer.status).unwrap(), answer.body.unwrap_or_default())
    };
    let app = Router::new().route(receiver.push_endpoint_path(), post(push));
    tokio::spawn(async move { axum::serve(listener, app).await });
    receiver.start();
    registered(&receiver).await;

    let jti = world.publish().await;
    let transmitter = Transmitter::builder(&world.issuer, world.keys.clone()).build().unwrap();
    let receivers = StreamReceivers::new(world.api.clone(), HashMap::<String, Receiver>::new());
    let outbox = Outbox::new(world.store.clone());
    within(Worker::new(outbox, transmitter, receivers).drain()).await.unwrap();
    assert_eq!(handled.recv().await.unwrap().0, jti);
    let counts = world.store.counts().await.unwrap();
    assert_eq!((counts.delivered, counts.dead, counts.waiting), (1, 0, 0), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn easyssf_manages_its_stream() {
    let world = World::start().await;
    let (receiver, mut handled) = easyssf(world.easyssf(SsfDeliveryMethodConfig::Poll));
    receiver.start();
    let stream = registered(&receiver).await;
    let transmitter = receiver.transmitters().all()[0].clone();
    let client = transmitter.stream_client().unwrap().clone();

    let changes = json!({ "description": "sessions of acme" });
    let updated = client.update_stream(&stream, changes.as_object().unwrap()).await.unwrap();
    assert_eq!(updated.claims()["description"], changes["description"]);
    assert_eq!(client.stream(&stream).await.unwrap().claims(), updated.claims());
    assert_eq!(client.streams().await.unwrap().len(), 1);

    // A stream that is paused keeps its events.
    assert_eq!(client.update_status(&stream, "paused", Some("maintenance")).await.unwrap().status, "paused");
    let jti = world.publish().await;
    let status = client.status(&stream).await.unwrap();
    assert_eq!((status.status.as_str(), status.reason.as_deref()), ("paused", Some("maintenance")));
    client.update_status(&stream, "enabled", None).await.unwrap();
    assert_eq!(within(handled.recv()).await.unwrap().0, jti);

    let subject = json!({ "format": "email", "email": "ada@example.com" });
    client.remove_subject(&stream, subject.as_object().unwrap()).await.unwrap();
    let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com"));
    assert_eq!(world.api.publish(entry).await.unwrap().streams, 0);
    client.add_subject(&stream, subject.as_object().unwrap(), true).await.unwrap();
    let jti = world.publish().await;
    assert_eq!(within(handled.recv()).await.unwrap().0, jti);

    // It accepts only the state that it has sent.
    let verification = transmitter.stream_verification().clone();
    verification.request_verification(&client, &stream).await.unwrap();
    within(async {
        while verification.is_pending() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;

    receiver.shutdown().await;
    client.delete_stream(&stream).await.unwrap();
    assert_eq!(client.stream(&stream).await.unwrap_err().status(), 404);
    let counts = world.store.counts().await.unwrap();
    assert_eq!((counts.delivered, counts.dead), (3, 0), "{counts:?}");
}

/// A handler of authkestra that notes what it gets.
struct Noted(UnboundedSender<CaepEvent>);

#[async_trait::async_trait]
impl SetHandler for Noted {
    async fn handle(&self, _: &SecurityEventToken, event: &CaepEvent) -> Result<(), HandlerError> {
        self.0.send(event.clone()).map_err(|error| HandlerError::Internal(error.to_string()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authkestra_takes_what_is_pushed() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let issuer = "https://edr.example.com";
    let transmitter = Transmitter::builder(issuer, key).build().unwrap();
    let published: JwkSet = serde_json::from_str(&transmitter.jwks().unwrap().to_json()).unwrap();
    let verifier = SetVerifier::builder(issuer)
        .audience(AUDIENCE)
        .algorithms([Algorithm::ES256])
        .key(DecodingKey::from_jwk(&published.keys[0]).unwrap())
        .build()
        .unwrap();
    let (sender, mut events) = unbounded_channel();
    let receiver = Arc::new(PushReceiver::new(Arc::new(verifier)).with_handler(Arc::new(Noted(sender))));
    let push = async move |headers: HeaderMap, body: Bytes| {
        let kind = headers.get("content-type").and_then(|value| value.to_str().ok());
        let answer = receiver.receive(kind, &body).await;
        (StatusCode::from_u16(answer.status()).unwrap(), answer.body().to_vec())
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/events", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/events", post(push))).await });

    let to = Receiver::builder(endpoint, AUDIENCE).allow_loopback().build().unwrap();
    let event = caep::CredentialChange::new("password", ChangeType::Update).with_friendly_name("Laptop");
    let receipt = within(transmitter.emit(event, Subject::email("ada@example.com"), &to).into_future()).await;
    assert_eq!(receipt.unwrap().status(), 202);
    match events.recv().await.unwrap() {
        CaepEvent::CredentialChange(change) => assert_eq!(change.credential_type.as_str(), "password"),
        other => panic!("{other:?}"),
    }
}
