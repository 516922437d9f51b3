//! SETs and receipts.

use napi::bindgen_prelude::{Either, Either7, Uint8Array};
use napi_derive::napi;
use serde_json::Value;
use ssf_bindings::{emission, set};
use ssf_transmitter as sdk;

use crate::{
    failure::{Failure, Outcome, outcome},
    key::{SigningKey, jwks, moment},
    mailbox::Mailbox,
    policy::Findings,
    receiver::{Addressee, Dialect, audience},
    records::{Finding, findings},
};

/// An unsigned SET, and the `kid` of the external key that it was prepared for.
#[napi]
pub struct UnsignedSet(pub(crate) sdk::UnsignedSet, pub(crate) Option<String>);

#[napi]
impl UnsignedSet {
    #[napi(getter)]
    pub fn signing_input(&self) -> Uint8Array {
        self.0.signing_input().into()
    }

    /// The `kid` of the external key that must sign; `None` for a key of this process.
    #[napi(getter)]
    pub fn signer(&self) -> Option<String> {
        self.1.clone()
    }

    #[napi(getter)]
    pub fn digest(&self) -> Option<Uint8Array> {
        self.0.digest().map(Into::into)
    }

    #[napi(getter)]
    pub fn algorithm(&self) -> &'static str {
        self.0.algorithm().as_str()
    }

    #[napi(getter)]
    pub fn jti(&self) -> String {
        self.0.jti().to_owned()
    }

    #[napi(getter)]
    pub fn findings(&self) -> Vec<Finding> {
        findings(self.0.findings())
    }

    #[napi]
    pub fn decode(&self) -> Outcome<DecodedSet> {
        outcome(self.0.decode().map(DecodedSet).map_err(Failure::from))
    }

    /// Attaches a signature, in the form of JWS or in DER.
    #[napi]
    pub fn attach(&self, signature: Uint8Array, der: bool) -> Outcome<SignedSet> {
        let signature = set::signature(signature.to_vec(), der);
        outcome(self.0.clone().attach(signature).map(SignedSet).map_err(Failure::from))
    }

    /// Signs with a key of this process.
    #[napi]
    pub fn sign(&self, mailbox: &Mailbox, number: u32, key: &SigningKey) -> Outcome<()> {
        let (set, key) = (self.0.clone(), key.0.clone());
        mailbox.spawn(number, async move { Ok(signed(&set.sign(&key)?)) })
    }
}

/// A signed SET in compact form.
#[napi]
pub struct SignedSet(pub(crate) sdk::SignedSet);

#[napi]
impl SignedSet {
    /// Takes a SET that was signed elsewhere.
    #[napi]
    pub fn parse(compact: String) -> Outcome<SignedSet> {
        outcome(sdk::SignedSet::parse(&compact).map(Self).map_err(Failure::from))
    }

    #[napi(getter)]
    pub fn compact(&self) -> String {
        self.0.as_str().to_owned()
    }

    #[napi(getter)]
    pub fn jti(&self) -> String {
        self.0.jti().to_owned()
    }

    #[napi(getter)]
    pub fn event(&self) -> String {
        self.0.event().to_owned()
    }

    #[napi(getter)]
    pub fn findings(&self) -> Vec<Finding> {
        findings(self.0.findings())
    }

    #[napi]
    pub fn decode(&self) -> Outcome<DecodedSet> {
        outcome(self.0.decode().map(DecodedSet).map_err(Failure::from))
    }
}

/// A SET taken apart.
#[napi]
pub struct DecodedSet(sdk::set::DecodedSet);

#[napi]
impl DecodedSet {
    #[napi]
    pub fn parse(compact: String) -> Outcome<DecodedSet> {
        outcome(sdk::set::DecodedSet::parse(&compact).map(Self).map_err(Failure::from))
    }

    /// The JOSE header, as JSON.
    #[napi]
    pub fn header(&self) -> String {
        Value::Object(self.0.header().clone()).to_string()
    }

    /// The claims, as JSON.
    #[napi]
    pub fn claims(&self) -> String {
        Value::Object(self.0.claims().clone()).to_string()
    }

    /// Verifies the signature with keys as they are published. Returns the one that fits, as JSON.
    #[napi]
    pub fn verify(&self, mailbox: &Mailbox, number: u32, keys: String) -> Outcome<()> {
        let set = self.0.clone();
        mailbox.spawn_blocking(number, move || {
            let keys = jwks(&keys)?;
            Ok(set.verify(&keys)?.to_jwk().to_string())
        })
    }
}

/// A signed SET as it goes to JavaScript: its text, unless there is more to know of it than that. An object of ours costs
/// JavaScript several times what a string does.
pub(crate) fn signed(set: &sdk::SignedSet) -> Either<String, SignedSet> {
    if set.findings().is_empty() {
        Either::A(set.as_str().to_owned())
    } else {
        Either::B(SignedSet(set.clone()))
    }
}

/// Confirms that a receiver accepted a SET: its `jti`, the status, the number of attempts, whether it was the status that is
/// documented, the SET, when the answer came, and the notes.
pub(crate) type Receipt =
    Vec<Either7<String, u16, u32, bool, Either<String, SignedSet>, f64, Vec<&'static str>>>;

#[allow(clippy::cast_precision_loss, reason = "milliseconds of any real date fit into 53 bits")]
pub(crate) fn receipt(receipt: &sdk::Receipt) -> Receipt {
    let mut parts = vec![
        Either7::A(receipt.jti().to_owned()),
        Either7::B(receipt.status()),
        Either7::C(receipt.attempts()),
        Either7::D(receipt.is_expected()),
        Either7::E(signed(receipt.set())),
        Either7::F(receipt.answered_at().as_unix_millis() as f64),
    ];
    // A list costs JavaScript more than a text does, and hardly any receipt has notes.
    if !receipt.notes().is_empty() {
        parts.push(Either7::G(receipt.notes().iter().map(|note| note.as_str()).collect()));
    }
    parts
}

/// The parts of a SET.
#[napi(object, object_to_js = false)]
pub struct SetParts {
    pub issuer: String,
    pub audience: Addressee,
    pub events: Vec<String>,
    pub subject: Option<String>,
    pub private: bool,
    pub txn: Option<String>,
    pub toe: Option<f64>,
    pub jti: Option<String>,
    pub issued_at: Option<f64>,
    pub claims: Option<String>,
    pub algorithm: String,
    pub kid: Option<String>,
    pub lint: Option<Findings>,
}

/// A SET from all its parts, without a transmitter.
#[napi]
pub fn prepare_set(parts: SetParts, dialect: Option<&Dialect>) -> Outcome<UnsignedSet> {
    outcome(parts.prepare(dialect).map(|set| UnsignedSet(set, None)).map_err(Failure::from))
}

impl SetParts {
    fn prepare(self, dialect: Option<&Dialect>) -> sdk::Result<sdk::UnsignedSet> {
        let subject = self.subject.as_deref();
        let claims = self.claims.as_deref();
        let parts = set::SetParts {
            issuer: self.issuer,
            audience: audience(self.audience),
            events: self.events.iter().map(|json| emission::event(json)).collect::<sdk::Result<_>>()?,
            subject: subject.map(|json| emission::subject(json, self.private)).transpose()?,
            dialect: dialect.map(|dialect| dialect.0.clone()),
            txn: self.txn,
            toe: self.toe.map(moment),
            jti: self.jti,
            issued_at: self.issued_at.map(moment),
            claims: claims
                .map(|json| sdk::json::parse_object(json, "the claims"))
                .transpose()?
                .unwrap_or_default(),
            lint: self.lint.map(|lint| lint.policy()).transpose()?,
            algorithm: self.algorithm,
            kid: self.kid,
        };
        parts.prepare()
    }
}
