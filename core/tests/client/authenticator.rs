//! The keys of issuers: found, fetched, kept and renewed, against a real issuer on the loopback interface.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::net::{Identity, Tls, TlsServer, authority, certificate_for};
use crate::server::{Answer, Server};
use futures_poll::poll_once;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use ssf_transmitter::{
    ErrorCode, Jwks, KeyType, Network, SigningKey, Timestamp,
    access_token::TrustedIssuer,
    client::{Authenticator, AuthenticatorBuilder},
    denial::DenialReason,
    stream::Caller,
    time::Clock,
};

const RESOURCE: &str = "https://tr.example.com/ssf";
const MINUTE: Duration = Duration::from_mins(1);

/// Polls a future once, as a server does whose client closes the connection.
mod futures_poll {
    use std::{pin::Pin, task::Context};

    pub(super) fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) -> bool {
        future.poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
    }
}

/// A clock that a test sets.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(1_800_000_000_000)))
    }

    fn forward(&self, duration: Duration) {
        self.0.fetch_add(duration.as_millis().try_into().unwrap(), Ordering::Relaxed);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::Relaxed))
    }
}

/// A key of the issuer; another library signs with it.
struct IssuerKey {
    own: SigningKey,
    pem: String,
}

impl IssuerKey {
    fn new() -> Self {
        let own = SigningKey::generate(KeyType::P256).unwrap();
        let pem = own.export_private_pem().unwrap();
        Self { pem: pem.expose().clone(), own }
    }

    fn kid(&self) -> &str {
        self.own.kid()
    }

    /// A token of `issuer` that names `kid`, valid for an hour from `now`.
    fn token(&self, issuer: &str, kid: &str, now: Timestamp) -> String {
        let mut header = Header::new(jsonwebtoken::Algorithm::ES256);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(kid.to_owned());
        let now = now.as_unix_seconds();
        let claims = json!({
            "iss": issuer, "aud": RESOURCE, "sub": "c1", "client_id": "c1", "iat": now, "exp": now + 3600, "jti": "1",
            "scope": "ssf.manage",
        });
        encode(&header, &claims, &EncodingKey::from_ec_pem(self.pem.as_bytes()).unwrap()).unwrap()
    }
}

fn jwks(keys: &[&IssuerKey]) -> String {
    Jwks::new(keys.iter().map(|key| key.own.public_key().clone())).unwrap().to_json()
}

/// What an issuer publishes. Every path that is missing is a 404.
#[derive(Clone, Default)]
struct Published(Arc<Mutex<Vec<(String, Answer)>>>);

impl Published {
    fn set(&self, path: &str, status: u16, headers: Vec<(&'static str, String)>, body: &str) {
        let mut all = self.0.lock().unwrap();
        all.retain(|(known, _)| known != path);
        all.push((path.to_owned(), (status, headers, body.as_bytes().to_vec())));
    }

    fn document(&self, path: &str, body: &str) {
        self.set(path, 200, vec![("content-type", "application/json".to_owned())], body);
    }

    fn remove(&self, path: &str) {
        self.0.lock().unwrap().retain(|(known, _)| known != path);
    }

    fn answer(&self, path: &str) -> Answer {
        let all = self.0.lock().unwrap();
        all.iter()
            .find(|(known, _)| known == path)
            .map_or((404, vec![], vec![]), |(_, answer)| answer.clone())
    }
}

const OPENID: &str = "/realms/acme/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server/realms/acme";

struct Issuer {
    server: Server,
    published: Published,
    name: String,
    clock: Hand,
}

impl Issuer {
    /// An issuer whose metadata is at `place`.
    async fn start(place: &str, keys: &[&IssuerKey]) -> Self {
        let published = Published::default();
        let answers = published.clone();
        let server = Server::start(move |seen, _| answers.answer(&seen.path)).await;
        let name = server.url("/realms/acme");
        let metadata = json!({ "issuer": name, "jwks_uri": server.url("/keys") });
        published.document(place, &metadata.to_string());
        published.document("/keys", &jwks(keys));
        Self { server, published, name, clock: Hand::new() }
    }

    fn settings(&self) -> TrustedIssuer {
        TrustedIssuer::new(&self.name).client("c1", "acme", "https://acme.example.com/ssf")
    }

    fn builder(&self) -> AuthenticatorBuilder {
        Authenticator::builder(RESOURCE).issuer(self.settings()).allow_loopback().clock(self.clock.clone())
    }

    fn authenticator(&self) -> Authenticator {
        self.builder().build().unwrap()
    }

    fn header(&self, key: &IssuerKey) -> String {
        self.header_with_kid(key, key.kid())
    }

    fn header_with_kid(&self, key: &IssuerKey, kid: &str) -> String {
        format!("Bearer {}", key.token(&self.name, kid, self.clock.now()))
    }

    fn requests(&self, path: &str) -> usize {
        self.server.seen().iter().filter(|seen| seen.path == path).count()
    }
}

async fn ask(authenticator: &Authenticator, header: String) -> Result<&'static str, DenialReason> {
    let found = authenticator.authenticate([header], None).await;
    let known = |caller: Caller| if caller.receiver() == "acme" { "acme" } else { "another" };
    found.map(known).map_err(|denial| denial.reason())
}

/// What `ask` returns for the caller that the issuers know.
const ACME: Result<&str, DenialReason> = Ok("acme");

#[tokio::test]
async fn keys_are_found_by_openid_discovery_and_fetched_once() {
    let key = IssuerKey::new();
    let issuer = Issuer::start(OPENID, &[&key]).await;
    let authenticator = issuer.authenticator();
    authenticator.check().await.unwrap();
    for _ in 0..20 {
        assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
    }
    assert_eq!(issuer.server.seen().len(), 2);
    let seen = &issuer.server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.header("authorization")), ("GET", None));
    // They are renewed, from the same place.
    issuer.clock.forward(10 * MINUTE);
    assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
    assert_eq!((issuer.requests(OPENID), issuer.requests("/keys")), (1, 2));
}

#[tokio::test]
async fn keys_are_found_by_rfc_8414_and_by_the_settings() {
    let key = IssuerKey::new();
    let issuer = Issuer::start(OAUTH, &[&key]).await;
    assert_eq!(ask(&issuer.authenticator(), issuer.header(&key)).await, ACME);
    assert_eq!((issuer.requests(OPENID), issuer.requests(OAUTH), issuer.requests("/keys")), (1, 1, 1));

    for settings in [
        issuer.settings().metadata_url(issuer.server.url(OAUTH)),
        issuer.settings().jwks_uri(issuer.server.url("/keys")),
    ] {
        let builder = Authenticator::builder(RESOURCE).issuer(settings).allow_loopback();
        let authenticator = builder.clock(issuer.clock.clone()).build().unwrap();
        assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
    }
    assert_eq!((issuer.requests(OPENID), issuer.requests(OAUTH), issuer.requests("/keys")), (1, 2, 3));
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let (old, new) = (IssuerKey::new(), IssuerKey::new());
    let issuer = Issuer::start(OPENID, &[&old]).await;
    let authenticator = issuer.authenticator();
    assert_eq!(ask(&authenticator, issuer.header(&old)).await, ACME);
    issuer.published.document("/keys", &jwks(&[&old, &new]));
    issuer.clock.forward(Duration::from_secs(30));
    assert_eq!(ask(&authenticator, issuer.header(&new)).await, ACME);
    assert_eq!(ask(&authenticator, issuer.header(&old)).await, ACME);
    assert_eq!(issuer.requests("/keys"), 2);
    // A key that the issuer withdraws serves until the keys are renewed, and no longer.
    issuer.published.document("/keys", &jwks(&[&new]));
    issuer.clock.forward(10 * MINUTE);
    assert_eq!(ask(&authenticator, issuer.header(&old)).await, Err(DenialReason::KeyUnknown));
    assert_eq!(ask(&authenticator, issuer.header(&new)).await, ACME);
    // All of them, even.
    issuer.published.document("/keys", r#"{ "keys": [] }"#);
    issuer.clock.forward(10 * MINUTE);
    assert_eq!(ask(&authenticator, issuer.header(&new)).await, Err(DenialReason::KeyUnknown));
}

#[tokio::test]
async fn tokens_with_unknown_keys_do_not_flood_the_issuer() {
    let (key, attacker) = (IssuerKey::new(), IssuerKey::new());
    let issuer = Issuer::start(OPENID, &[&key]).await;
    let authenticator = issuer.authenticator();
    assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
    for second in 0..60 {
        for attempt in 0..5 {
            let header = issuer.header_with_kid(&attacker, &format!("kid-{second}-{attempt}"));
            assert_eq!(ask(&authenticator, header).await, Err(DenialReason::KeyUnknown));
        }
        assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
        issuer.clock.forward(Duration::from_secs(1));
    }
    // At the start, and after the pause of 30 seconds.
    assert_eq!((issuer.requests(OPENID), issuer.requests("/keys")), (1, 2));

    // Nor does a flood while the issuer is down.
    issuer.published.set("/keys", 503, vec![], "");
    let before = issuer.server.seen().len();
    for second in 0..60 {
        let header = issuer.header_with_kid(&attacker, &format!("kid-{second}"));
        assert_eq!(ask(&authenticator, header).await, Err(DenialReason::KeyUnknown));
        assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
        issuer.clock.forward(Duration::from_secs(1));
    }
    let during = issuer.server.seen().len() - before;
    assert!((2..=8).contains(&during), "{during} requests");

    // A token of another issuer, or with a header that is refused, asks nobody.
    issuer.clock.forward(MINUTE);
    let before = issuer.server.seen().len();
    let foreign = format!("Bearer {}", attacker.token("https://attacker.example", "x", issuer.clock.now()));
    assert_eq!(ask(&authenticator, foreign).await, Err(DenialReason::IssuerUnknown));
    assert_eq!(issuer.server.seen().len(), before);
}

#[tokio::test]
async fn the_last_keys_serve_while_the_issuer_is_down_but_not_forever() {
    let key = IssuerKey::new();
    let issuer = Issuer::start(OPENID, &[&key]).await;
    let authenticator = issuer.authenticator();
    assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
    issuer.published.set("/keys", 503, vec![], "down");
    issuer.published.set(OPENID, 503, vec![], "down");
    issuer.clock.forward(23 * 60 * MINUTE);
    assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
    assert_eq!(authenticator.check().await.unwrap_err().code(), ErrorCode::IssuerKeysUnusable);

    issuer.clock.forward(61 * MINUTE);
    let denial = authenticator.authenticate([issuer.header(&key)], None).await.unwrap_err();
    assert_eq!((denial.status(), denial.reason()), (503, DenialReason::KeysUnavailable));
    assert_eq!(denial.err(), "temporarily_unavailable");
    assert!(denial.retry_after().unwrap() <= MINUTE && denial.www_authenticate().is_none());

    let metadata = json!({ "issuer": issuer.name, "jwks_uri": issuer.server.url("/keys") });
    issuer.published.document(OPENID, &metadata.to_string());
    issuer.published.document("/keys", &jwks(&[&key]));
    issuer.clock.forward(MINUTE);
    assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
    authenticator.check().await.unwrap();
}

#[tokio::test]
async fn an_issuer_that_is_down_at_the_start_is_asked_with_pauses() {
    let key = IssuerKey::new();
    let issuer = Issuer::start(OPENID, &[&key]).await;
    issuer.published.set("/keys", 500, vec![], "");
    let authenticator = issuer.authenticator();
    for _ in 0..20 {
        assert_eq!(ask(&authenticator, issuer.header(&key)).await, Err(DenialReason::KeysUnavailable));
    }
    assert_eq!(issuer.requests("/keys"), 1);
    issuer.published.document("/keys", &jwks(&[&key]));
    issuer.clock.forward(Duration::from_secs(5));
    assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
    assert_eq!(issuer.requests("/keys"), 2);
}

#[tokio::test]
async fn one_fetch_serves_all_who_wait() {
    let key = IssuerKey::new();
    let issuer = Issuer::start(OPENID, &[&key]).await;
    let authenticator = issuer.authenticator();
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let (authenticator, header) = (authenticator.clone(), issuer.header(&key));
            tokio::spawn(async move { ask(&authenticator, header).await })
        })
        .collect();
    for one in waiting {
        assert_eq!(one.await.unwrap(), ACME);
    }
    assert_eq!(issuer.server.seen().len(), 2);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_end_the_fetch() {
    let key = IssuerKey::new();
    let issuer = Issuer::start(OPENID, &[&key]).await;
    let authenticator = issuer.authenticator();
    {
        let request = std::pin::pin!(authenticator.authenticate([issuer.header(&key)], None));
        assert!(!poll_once(request));
    }
    assert_eq!(ask(&authenticator, issuer.header(&key)).await, ACME);
    assert_eq!(issuer.server.seen().len(), 2);
}

#[tokio::test]
async fn documents_that_cannot_be_used_are_refused() {
    let key = IssuerKey::new();
    let issuer = Issuer::start(OPENID, &[&key]).await;
    let (name, keys) = (issuer.name.clone(), issuer.server.url("/keys"));
    let metadata =
        |issuer: &str, jwks_uri: &Value| json!({ "issuer": issuer, "jwks_uri": jwks_uri }).to_string();
    let moved = || vec![("location", issuer.server.url("/elsewhere"))];
    issuer.published.document("/elsewhere", &metadata(&name, &json!(keys)));
    let unusable = ErrorCode::IssuerKeysUnusable;
    let forbidden = ErrorCode::AddressForbidden;
    for (case, status, headers, document, code) in [
        ("a redirect", 302, moved(), String::new(), unusable),
        ("a redirect with a body", 301, moved(), metadata(&name, &json!(keys)), unusable),
        ("no JSON", 200, vec![], "<html>".to_owned(), unusable),
        ("a list", 200, vec![], "[]".to_owned(), unusable),
        ("another issuer", 200, vec![], metadata("https://attacker.example", &json!(keys)), unusable),
        ("a slash more", 200, vec![], metadata(&format!("{name}/"), &json!(keys)), unusable),
        ("no jwks_uri", 200, vec![], metadata(&name, &Value::Null), unusable),
        (
            "a jwks_uri with http",
            200,
            vec![],
            metadata(&name, &json!("http://as.example.com/keys")),
            unusable,
        ),
        ("a jwks_uri of a file", 200, vec![], metadata(&name, &json!("file:///etc/passwd")), unusable),
        (
            "a jwks_uri with a password",
            200,
            vec![],
            metadata(&name, &json!("https://a:b@as.example.com/")),
            unusable,
        ),
        (
            "a JWKS in the network of the sender",
            200,
            vec![],
            metadata(&name, &json!("https://10.0.0.1/keys")),
            forbidden,
        ),
        (
            "a JWKS at the metadata service",
            200,
            vec![],
            metadata(&name, &json!("https://169.254.169.254/latest")),
            forbidden,
        ),
        (
            "a JWKS at an address inside an address",
            200,
            vec![],
            metadata(&name, &json!("https://[::ffff:10.0.0.1]/keys")),
            forbidden,
        ),
        (
            "metadata of a megabyte",
            200,
            vec![],
            metadata(&name, &json!(keys)) + &" ".repeat(1 << 20),
            unusable,
        ),
    ] {
        issuer.published.set(OPENID, status, headers, &document);
        let authenticator = issuer.authenticator();
        let denied = ask(&authenticator, issuer.header(&key)).await;
        assert_eq!(denied, Err(DenialReason::KeysUnavailable), "{case}");
        let error = authenticator.check().await.unwrap_err();
        assert_eq!(error.code(), code, "{case}: {error}");
    }
    assert_eq!((issuer.requests("/elsewhere"), issuer.requests("/keys")), (0, 0));

    issuer.published.document(OPENID, &metadata(&name, &json!(keys)));
    for (case, status, headers, document) in [
        ("a redirect", 307, moved(), String::new()),
        ("no JSON", 200, vec![], "keys".to_owned()),
        ("no keys", 200, vec![], "{}".to_owned()),
        ("a JWKS of a megabyte", 200, vec![], jwks(&[&key]) + &" ".repeat(1 << 20)),
        ("a success without content", 204, vec![], String::new()),
    ] {
        issuer.published.set("/keys", status, headers, &document);
        let authenticator = issuer.authenticator();
        assert_eq!(
            ask(&authenticator, issuer.header(&key)).await,
            Err(DenialReason::KeysUnavailable),
            "{case}"
        );
        assert_eq!(authenticator.check().await.unwrap_err().code(), unusable, "{case}");
    }
    assert_eq!(issuer.requests("/elsewhere"), 0);
    issuer.published.remove("/keys");
    assert_eq!(issuer.authenticator().check().await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn an_issuer_on_this_machine_needs_to_be_allowed() {
    let key = IssuerKey::new();
    let issuer = Issuer::start(OPENID, &[&key]).await;
    let error = Authenticator::builder(RESOURCE).issuer(issuer.settings()).build().unwrap_err();
    assert_eq!(error.code(), ErrorCode::IssuerInvalid);
    // Over https, too: the guard judges the address.
    let https = issuer.name.replace("http://", "https://");
    let settings = TrustedIssuer::new(https).client("c1", "acme", "aud");
    let authenticator = Authenticator::builder(RESOURCE).issuer(settings).build().unwrap();
    assert_eq!(authenticator.check().await.unwrap_err().code(), ErrorCode::AddressForbidden);
    assert!(issuer.server.seen().is_empty());
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_waited_for_with_patience() {
    let key = IssuerKey::new();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let name = format!("http://{}", silent.local_addr().unwrap());
    let settings = TrustedIssuer::new(&name).client("c1", "acme", "aud");
    let builder = Authenticator::builder(RESOURCE).issuer(settings).allow_loopback();
    let authenticator = builder.fetch_timeout(Duration::from_millis(50)).build().unwrap();
    let header = format!("Bearer {}", key.token(&name, key.kid(), Timestamp::now()));
    assert_eq!(ask(&authenticator, header).await, Err(DenialReason::KeysUnavailable));
    assert_eq!(authenticator.check().await.unwrap_err().code(), ErrorCode::ReceiverTimeout);
    drop(silent);
}

#[tokio::test]
async fn tls_of_the_issuer_is_verified() {
    let key = IssuerKey::new();
    let body = jwks(&[&key]);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let tls = Tls { answer: answer.leak().as_bytes(), ..Tls::default() };
    let authority = authority();
    let server = TlsServer::start(&tls, &Identity::new(&certificate_for("localhost"), &authority)).await;
    let clock = Hand::new();
    let builder = || {
        let settings = TrustedIssuer::new("https://as.example.com").client("c1", "acme", "aud");
        let builder = Authenticator::builder(RESOURCE).issuer(settings.jwks_uri(server.url()));
        builder.allow_loopback().clock(clock.clone())
    };
    let error = builder().build().unwrap().check().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::TlsCertificateUntrusted);
    let network = Network::new().ca_bundle(authority.pem());
    let authenticator = builder().network(network).build().unwrap();
    let header = format!("Bearer {}", key.token("https://as.example.com", key.kid(), clock.now()));
    assert_eq!(ask(&authenticator, header).await, ACME);
}
