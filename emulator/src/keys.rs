//! A transmitter's public keys: fetched, cached, and fetched again when one is not among them.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize as _;
use serde_json::Value;
use tokio::sync::Mutex;

use super::config::KeySource;
use super::documents::{self, Documents};
use super::jws::{CompactJws, JoseHeader, SignatureAlgorithm};

/// RFC 7518 §3.3.
const LEAST_RSA_BITS: usize = 2048;

/// Why a signature was not accepted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Trouble {
    /// The configuration document is somebody else's.
    Issuer(String),
    /// No published key has its `kid`.
    Key(String),
    /// It does not match the key.
    Signature,
}

/// The keys of one transmitter.
pub(crate) struct Keys {
    documents: Documents,
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
        documents: Documents,
        source: KeySource,
        issuer: String,
        media_types: &'static [&'static str],
    ) -> Self {
        Self { documents, source, issuer, media_types, cache: RwLock::default(), fetching: Mutex::default() }
    }

    /// Whose keys they are.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
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
        let at = async |url: &str| self.documents.keys(url, self.media_types).await;
        let keys = match &self.source {
            KeySource::JwksUri(url) => at(url).await,
            KeySource::WellKnown(url) => at(&self.discover(url).await?).await,
            KeySource::Jwks(document) => documents::keys_in(document),
        };
        let keys = keys.map_err(Trouble::Key)?;
        Ok(keys.iter().filter_map(PublicKey::of).collect())
    }

    /// Reads `jwks_uri` from the configuration document, whose `issuer` has to be identical to the one that is
    /// expected (SSF §7.2.4).
    async fn discover(&self, url: &str) -> Result<String, Trouble> {
        let configuration = self.documents.configuration(url).await.map_err(Trouble::Key)?;
        if configuration.issuer.as_ref() != Some(&self.issuer) {
            return Err(Trouble::Issuer(format!(
                "The configuration document names another issuer than {}",
                self.issuer
            )));
        }
        let missing = || Trouble::Key("The configuration document has no jwks_uri".to_owned());
        configuration.jwks_uri.ok_or_else(missing)
    }
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
    // RFC 7517 §4.3.
    let verifies = |operations: &Value| {
        operations.as_array().is_some_and(|all| all.iter().any(|operation| operation == "verify"))
    };
    if jwk.get("key_ops").is_some_and(|operations| !verifies(operations)) {
        return Err("The key_ops of the key do not hold verify".to_owned());
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
