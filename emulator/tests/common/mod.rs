//! A transmitter as small as a test needs it: it serves its keys and signs SETs.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what tests share")]

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, get_current_timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use ssf_emulator::{Client, Config, Emulator, KeySource, Like, Script};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub const ISSUER: &str = "https://transmitter.example.org";
pub const AUDIENCE: &str = "https://receiver.example.net";
pub const CLIENT_ID: &str = "service one";
pub const CLIENT_SECRET: &str = "p+ss:word%/";

/// A key of the transmitter.
#[derive(Clone)]
pub struct TestKey {
    pub kid: &'static str,
    pub algorithm: Algorithm,
    key: EncodingKey,
}

impl TestKey {
    /// A fresh key from `openssl genpkey` with these arguments.
    fn generate(kid: &'static str, algorithm: Algorithm, arguments: &[&str]) -> Self {
        let output = Command::new("openssl").arg("genpkey").args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let pem = &output.stdout;
        let key = match algorithm {
            Algorithm::ES256 | Algorithm::ES384 => EncodingKey::from_ec_pem(pem),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem),
            _ => EncodingKey::from_rsa_pem(pem),
        };
        Self { kid, algorithm, key: key.unwrap() }
    }

    pub fn rsa_of(kid: &'static str, bits: u16) -> Self {
        let bits = format!("rsa_keygen_bits:{bits}");
        Self::generate(kid, Algorithm::RS256, &["-algorithm", "RSA", "-pkeyopt", &bits])
    }

    pub fn ec(kid: &'static str, algorithm: Algorithm, curve: &str) -> Self {
        let curve = format!("ec_paramgen_curve:{curve}");
        Self::generate(kid, algorithm, &["-algorithm", "EC", "-pkeyopt", &curve])
    }

    pub fn ed25519(kid: &'static str) -> Self {
        Self::generate(kid, Algorithm::EdDSA, &["-algorithm", "ed25519"])
    }

    /// The same key under another algorithm of its family.
    pub fn with(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    pub fn jwk(&self) -> Value {
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = self.kid.into();
        jwk["use"] = "sig".into();
        jwk
    }

    pub fn header(&self) -> Header {
        let mut header = Header::new(self.algorithm);
        header.typ = Some("secevent+jwt".to_owned());
        header.kid = Some(self.kid.to_owned());
        header
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    pub fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).unwrap()
    }

    /// Signs under a header that the JOSE library would not write.
    pub fn sign_raw(&self, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", base64url(header), base64url(claims));
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{input}.{signature}")
    }
}

pub fn base64url(value: &Value) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The key of most tests; made once, since making RSA keys takes its time.
pub fn key() -> TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::rsa_of("first", 2048)).clone()
}

pub fn other_key() -> TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::rsa_of("second", 2048)).clone()
}

/// Serves the documents of a transmitter and counts how often its keys are fetched.
pub struct Transmitter {
    base: String,
    shared: Arc<Published>,
}

pub struct Published {
    issuer: Mutex<String>,
    media_type: Mutex<&'static str>,
    keys: Mutex<Vec<Value>>,
    fetches: AtomicUsize,
    base: String,
}

impl Transmitter {
    pub async fn start(keys: &[&TestKey]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Published {
            issuer: Mutex::new(ISSUER.to_owned()),
            media_type: Mutex::new("application/json"),
            keys: Mutex::new(keys.iter().map(|key| key.jwk()).collect()),
            fetches: AtomicUsize::new(0),
            base: base.clone(),
        });
        let router = Router::new()
            .route("/jwks.json", get(jwks))
            .route("/.well-known/ssf-configuration", get(configuration))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, shared }
    }

    pub fn jwks_uri(&self) -> KeySource {
        KeySource::JwksUri(format!("{}/jwks.json", self.base))
    }

    pub fn well_known(&self) -> KeySource {
        KeySource::WellKnown(format!("{}/.well-known/ssf-configuration", self.base))
    }

    pub fn publish(&self, keys: Vec<Value>) {
        *self.shared.keys.lock().unwrap() = keys;
    }

    pub fn name_issuer(&self, issuer: &str) {
        issuer.clone_into(&mut self.shared.issuer.lock().unwrap());
    }

    pub fn serve_keys_as(&self, media_type: &'static str) {
        *self.shared.media_type.lock().unwrap() = media_type;
    }

    pub fn fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }
}

async fn jwks(State(published): State<Arc<Published>>) -> Response {
    published.fetches.fetch_add(1, Ordering::SeqCst);
    let body = json!({ "keys": *published.keys.lock().unwrap() }).to_string();
    let media_type = *published.media_type.lock().unwrap();
    ([(CONTENT_TYPE, media_type)], body).into_response()
}

async fn configuration(State(published): State<Arc<Published>>) -> Response {
    let issuer = published.issuer.lock().unwrap().clone();
    let document = json!({ "issuer": issuer, "jwks_uri": format!("{}/jwks.json", published.base) });
    ([(CONTENT_TYPE, "application/json")], document.to_string()).into_response()
}

/// A receiver, a transmitter it knows, and the means to talk to it.
pub struct Scene {
    pub transmitter: Transmitter,
    pub emulator: Emulator,
    pub http: reqwest::Client,
}

impl Scene {
    pub async fn like(like: Like) -> Self {
        Self::with(like, |_| {}).await
    }

    pub async fn with(like: Like, change: impl FnOnce(&mut Config)) -> Self {
        Self::publishing(like, &[&key()], change).await
    }

    /// Like RFC 8935, with this script.
    pub async fn scripted(script: Script) -> Self {
        Self::with(Like::Rfc8935, |config| config.script = script).await
    }

    pub async fn publishing(like: Like, keys: &[&TestKey], change: impl FnOnce(&mut Config)) -> Self {
        let transmitter = Transmitter::start(keys).await;
        let mut config = Config::new(like, ISSUER, transmitter.jwks_uri(), AUDIENCE);
        if like == Like::GovUkOneLogin {
            config.client = Some(client());
        }
        change(&mut config);
        let emulator = Emulator::start(config).await.unwrap();
        Self { transmitter, emulator, http: http() }
    }

    /// A request as every SET should be sent; without a token.
    pub fn request(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.http
            .post(self.emulator.push_url())
            .header("Content-Type", "application/secevent+jwt")
            .header("Accept", "application/json")
            .body(body)
    }

    pub async fn push(&self, body: impl Into<reqwest::Body>) -> Reply {
        Reply::to(self.request(body)).await
    }

    /// Pushes a SET with these claims, signed with the key of most tests.
    pub async fn send(&self, claims: &Value) -> Reply {
        self.push(key().sign(claims)).await
    }

    pub fn token_url(&self) -> String {
        self.emulator.token_url().unwrap()
    }

    pub async fn token(&self) -> String {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ];
        let reply = Reply::to(self.http.post(self.token_url()).form(&form)).await;
        reply.body["access_token"].as_str().unwrap().to_owned()
    }

    /// Pushes with a token.
    pub async fn push_authorized(&self, body: impl Into<reqwest::Body>) -> Reply {
        let token = self.token().await;
        Reply::to(self.request(body).bearer_auth(token)).await
    }
}

pub fn client() -> Client {
    Client { id: CLIENT_ID.to_owned(), secret: CLIENT_SECRET.to_owned() }
}

pub fn http() -> reqwest::Client {
    http_trusting(None, &["http/1.1"])
}

/// A client that trusts this authority and offers these protocols over TLS.
pub fn http_trusting(ca_pem: Option<&str>, protocols: &[&str]) -> reqwest::Client {
    let mut roots = rustls::RootCertStore::empty();
    if let Some(pem) = ca_pem {
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .user_agent("test")
        .timeout(Duration::from_mins(10))
        .build()
        .unwrap()
}

/// An answer, read to its end. An empty body is `null`.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Reply {
    pub async fn to(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() };
        Self { status, headers, body }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer of RFC 8935 §2.2: 202 and nothing more.
    #[track_caller]
    pub fn assert_accepted(&self) {
        assert_eq!((self.status, &self.body), (202, &Value::Null), "{self:?}");
    }

    /// The answer of RFC 8935 §2.3 with this code.
    #[track_caller]
    pub fn assert_refused(&self, err: &str) {
        assert_eq!(self.status, 400, "{self:?}");
        assert_eq!(self.body["err"], err, "{self:?}");
        assert!(self.body["description"].is_string(), "{self:?}");
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(self.header("content-language"), "en");
    }

    /// The same, with a description that says this.
    #[track_caller]
    pub fn assert_refused_saying(&self, err: &str, part: &str) {
        self.assert_refused(err);
        assert!(self.body["description"].as_str().unwrap().contains(part), "{self:?}");
    }
}

/// A connection over which requests are written by hand.
pub struct Raw {
    pub socket: TcpStream,
}

impl Raw {
    pub async fn connect(emulator: &Emulator) -> Self {
        let address = emulator.base_url().split_once("://").unwrap().1;
        Self { socket: TcpStream::connect(address).await.unwrap() }
    }

    /// Pushes a SET to a receiver like RFC 8935 on a new connection.
    pub async fn push(emulator: &Emulator, jws: &str) -> Self {
        let mut raw = Self::connect(emulator).await;
        raw.send(jws).await;
        raw
    }

    pub async fn send(&mut self, jws: &str) {
        let request = format!(
            "POST /events HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/secevent+jwt\r\n\
             Accept: application/json\r\nContent-Length: {}\r\n\r\n{jws}",
            jws.len()
        );
        self.socket.write_all(request.as_bytes()).await.unwrap();
    }

    /// Reads on until something ends with this.
    pub async fn read_until(&mut self, end: &str) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end.as_bytes()) {
            bytes.push(self.socket.read_u8().await.unwrap());
        }
        String::from_utf8(bytes).unwrap()
    }

    /// Everything until the other side is done; an error if it broke off.
    pub async fn read(&mut self) -> std::io::Result<String> {
        let mut text = String::new();
        self.socket.read_to_string(&mut text).await?;
        Ok(text)
    }
}

/// A `jti` nobody had before.
pub fn jti() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("set-{}", COUNT.fetch_add(1, Ordering::SeqCst))
}

/// A SET with this event, without `sub_id`.
pub fn set(uri: &str, event: Value) -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": get_current_timestamp(),
        "jti": jti(),
        "events": Value::Object([(uri.to_owned(), event)].into_iter().collect()),
    })
}

/// A SET that every receiver like RFC 8935 takes.
pub fn good() -> Value {
    let event = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    with(set(event, json!({})), "/sub_id", json!({ "format": "opaque", "id": "session-0001" }))
}

/// An object with the members of both.
pub fn merged(mut object: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("not an object: {more}") };
    object.as_object_mut().unwrap().extend(more);
    object
}

/// Changes a value: `null` takes the member away, everything else replaces it. The path is that of RFC 6901,
/// except that a last part that is not there is added.
pub fn with(mut value: Value, path: &str, new: Value) -> Value {
    let (parent, name) = path.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/");
    let parent = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if new.is_null() {
        parent.remove(&name);
    } else {
        parent.insert(name, new);
    }
    value
}
