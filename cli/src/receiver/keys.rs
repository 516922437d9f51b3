//! The transmitter's public keys: fetched, cached, and fetched again when one is not among them.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::Jwk;
use reqwest::Response;
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde::Deserialize as _;
use serde_json::Value;
use tokio::sync::Mutex;

use super::config::KeySource;
use super::jws::{CompactJws, JoseHeader, SignatureAlgorithm};
use super::{Error, Result};

/// RFC 7518 §3.3.
const LEAST_RSA_BITS: usize = 2048;

/// Why a signature was not accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Trouble {
    /// The configuration document is somebody else's.
    Issuer(String),
    /// There is no key for it.
    Key(String),
    /// It does not fit the key.
    Signature,
}

pub(crate) struct Keys {
    client: reqwest::Client,
    source: KeySource,
    issuer: String,
    media_types: &'static [&'static str],
    cache: RwLock<Option<Arc<Vec<PublicKey>>>>,
    /// Held while fetching, so that those who lack the same key fetch it once.
    fetching: Mutex<()>,
}

struct PublicKey {
    kid: Option<String>,
    alg: Option<String>,
    kty: String,
    crv: Option<String>,
    /// The key, or why it cannot be used.
    key: Result<DecodingKey, String>,
}

impl Keys {
    pub(crate) fn new(
        source: KeySource,
        issuer: String,
        media_types: &'static [&'static str],
    ) -> Result<Self> {
        Ok(Self {
            client: client()?,
            source,
            issuer,
            media_types,
            cache: RwLock::default(),
            fetching: Mutex::default(),
        })
    }

    /// Checks the signature with the key the header names, or with each key if it names none.
    pub(crate) async fn verify(&self, jws: CompactJws<'_>, header: &JoseHeader<'_>) -> Result<(), Trouble> {
        let known = self.cached();
        if let Some(keys) = &known {
            match verify(keys, jws, header) {
                // The set may be older than a rotation (RFC 8935 §2.4): once more with a new one.
                Verdict::NoKey(_) => {}
                verdict => return verdict.into(),
            }
        }
        verify(&self.newer_than(known).await?, jws, header).into()
    }

    /// Whether there are keys and none has this name.
    pub(crate) fn lacks(&self, kid: &str) -> bool {
        self.cached().is_some_and(|keys| !keys.iter().any(|key| key.kid.as_deref() == Some(kid)))
    }

    fn cached(&self) -> Option<Arc<Vec<PublicKey>>> {
        self.cache.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys, unless somebody else did while this one waited for its turn.
    async fn newer_than(&self, known: Option<Arc<Vec<PublicKey>>>) -> Result<Arc<Vec<PublicKey>>, Trouble> {
        let _turn = self.fetching.lock().await;
        let cached = self.cached();
        match cached {
            Some(keys) if !known.is_some_and(|known| Arc::ptr_eq(&known, &keys)) => Ok(keys),
            _ => {
                let keys = Arc::new(self.fetch().await?);
                *self.cache.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&keys));
                Ok(keys)
            }
        }
    }

    async fn fetch(&self) -> Result<Vec<PublicKey>, Trouble> {
        let jwks_uri = match &self.source {
            KeySource::JwksUri(url) => url.clone(),
            KeySource::WellKnown(url) => self.discover(url).await?,
        };
        let response = self.get(&jwks_uri).await?;
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !media_type.is_some_and(|value| self.media_types.iter().any(|known| is_media_type(value, known))) {
            return Err(Trouble::Key(format!(
                "The Content-Type of the JWKS has to be one of {}",
                self.media_types.join(", ")
            )));
        }
        let document = json(response).await?;
        let keys = document.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or_else(|| Trouble::Key("The JWKS has no array keys".to_owned()))?;
        Ok(keys.iter().filter_map(PublicKey::of).collect())
    }

    /// Reads `jwks_uri` from the configuration document, whose `issuer` has to be identical to the one that is
    /// expected (SSF §7.2.4).
    async fn discover(&self, url: &str) -> Result<String, Trouble> {
        let document = json(self.get(url).await?).await?;
        if document.get("issuer").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(Trouble::Issuer(format!(
                "The configuration document names another issuer than {}",
                self.issuer
            )));
        }
        let jwks_uri = document.get("jwks_uri").and_then(Value::as_str);
        jwks_uri
            .map(str::to_owned)
            .ok_or_else(|| Trouble::Key("The configuration document has no jwks_uri".to_owned()))
    }

    async fn get(&self, url: &str) -> Result<Response, Trouble> {
        let response = self.client.get(url).header("Accept", "application/json").send().await;
        let response = response.map_err(|error| Trouble::Key(format!("{url} cannot be read: {error}")))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(Trouble::Key(format!("{url} answers {}", response.status())));
        }
        Ok(response)
    }
}

async fn json(response: Response) -> Result<Value, Trouble> {
    let url = response.url().clone();
    let unreadable = |error: &dyn fmt::Display| Trouble::Key(format!("{url} cannot be read: {error}"));
    let bytes = response.bytes().await.map_err(|error| unreadable(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))
}

/// Whether a `Content-Type` is of this media type, parameters aside.
pub(crate) fn is_media_type(value: &str, media_type: &str) -> bool {
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}

/// A client with its own TLS settings, so that nothing depends on a provider installed for the whole process.
fn client() -> Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(rustls::ConfigBuilder::with_platform_verifier)
        .map_err(Error::client)?
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        // The transmitter under test stands next to the emulator.
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .map_err(Error::client)
}

impl PublicKey {
    /// A key of a set; nothing for what is not an object with `kty` (RFC 7517 §5: to be ignored).
    fn of(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            kid: text("kid"),
            alg: text("alg"),
            kty: text("kty")?,
            crv: text("crv"),
            key: decoding_key(jwk),
        })
    }

    fn verify(&self, jws: CompactJws<'_>, algorithm: SignatureAlgorithm) -> Verdict {
        let fits = self.kty == algorithm.kty
            && algorithm.crv.is_none_or(|crv| self.crv.as_deref() == Some(crv))
            && self.alg.as_deref().is_none_or(|alg| alg == algorithm.name);
        if !fits {
            return Verdict::UnusableKey(format!("The key is not one for {}", algorithm.name));
        }
        let key = match &self.key {
            Ok(key) => key,
            Err(reason) => return Verdict::UnusableKey(reason.clone()),
        };
        let signing_input = jws.signing_input.as_bytes();
        match jsonwebtoken::crypto::verify(jws.signature, signing_input, key, algorithm.algorithm) {
            Ok(true) => Verdict::Verified,
            Ok(false) | Err(_) => Verdict::BadSignature,
        }
    }
}

fn decoding_key(jwk: &Value) -> Result<DecodingKey, String> {
    // RFC 7517 §9.2: a published set is public.
    if ["d", "k"].iter().any(|member| jwk.get(member).is_some()) {
        return Err("The JWKS shows a private key".to_owned());
    }
    if jwk.get("use").is_some_and(|purpose| purpose != "sig") {
        return Err("The key is not one for signatures".to_owned());
    }
    if let Some(modulus) = jwk.get("n").and_then(Value::as_str) {
        let bytes = URL_SAFE_NO_PAD.decode(modulus).map_err(|_| "The modulus is not base64url".to_owned())?;
        // RFC 7518 §6.3.1.1: as few octets as the number needs.
        let first =
            *bytes.first().filter(|first| **first != 0).ok_or("The modulus begins with a zero octet")?;
        let bits = bytes.len() * 8 - first.leading_zeros() as usize;
        if bits < LEAST_RSA_BITS {
            return Err(format!("The RSA key has {bits} bits, {LEAST_RSA_BITS} are needed"));
        }
    }
    let jwk = Jwk::deserialize(jwk).map_err(|error| format!("The key cannot be used: {error}"))?;
    DecodingKey::from_jwk(&jwk).map_err(|error| format!("The key cannot be used: {error}"))
}

/// What a set of keys says about a signature.
enum Verdict {
    Verified,
    BadSignature,
    UnusableKey(String),
    /// No key of the set is the one that is meant.
    NoKey(Trouble),
}

impl From<Verdict> for Result<(), Trouble> {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Verified => Ok(()),
            Verdict::BadSignature => Err(Trouble::Signature),
            Verdict::UnusableKey(reason) => Err(Trouble::Key(reason)),
            Verdict::NoKey(trouble) => Err(trouble),
        }
    }
}

fn verify(keys: &[PublicKey], jws: CompactJws<'_>, header: &JoseHeader<'_>) -> Verdict {
    let Some(kid) = header.kid else {
        // Without a name any key may be meant, also one that is not in the set yet.
        let fits = |key: &PublicKey| matches!(key.verify(jws, header.algorithm), Verdict::Verified);
        let verified = keys.iter().any(fits);
        return if verified { Verdict::Verified } else { Verdict::NoKey(Trouble::Signature) };
    };
    // Names should be unique (RFC 7517 §4.5), so what the last of several says is as good as any.
    let mut verdict = Verdict::NoKey(Trouble::Key(format!("The JWKS has no key {kid}")));
    for key in keys.iter().filter(|key| key.kid.as_deref() == Some(kid)) {
        verdict = key.verify(jws, header.algorithm);
        if matches!(verdict, Verdict::Verified) {
            break;
        }
    }
    verdict
}
