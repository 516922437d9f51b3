//! From event and subject to an unsigned SET.

use std::fmt;

use serde_json::{Map, Value};

use super::{
    SignedSet, UnsignedSet,
    claims::{Audience, Claims, OWN},
};
use crate::{
    dialect::{AudienceForm, Dialect, Txn},
    error::{Error, ErrorCode, Result},
    event::Event,
    key::{SigningHeader, SigningKey},
    random,
    subject::Subject,
    time::{Clock, SystemClock, Timestamp},
};

/// Builds a SET: what it says, to whom, in which dialect.
///
/// Everything is checked when the SET is prepared: the claims by RFC 8417 and SSF 1.0, event and subject by their
/// definitions, all of it by the dialect.
///
/// ```
/// use ssf_transmitter::{KeyType, SetBuilder, SigningKey, Subject, event::caep};
///
/// let key = SigningKey::generate(KeyType::P256)?;
/// let set = SetBuilder::new("https://edr.example.com", "https://receiver.example.net")
///     .event(caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost"))
///     .subject(Subject::email("ada@example.com"))
///     .txn("incident-4711")
///     .sign(&key)?;
/// assert_eq!(set.as_str().split('.').count(), 3);
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct SetBuilder {
    issuer: String,
    audience: Audience,
    events: Vec<Event>,
    subject: Option<Subject>,
    txn: Option<String>,
    toe: Option<Timestamp>,
    jti: Option<String>,
    issued_at: Option<Timestamp>,
    others: Map<String, Value>,
    dialect: Dialect,
}

impl SetBuilder {
    /// A SET from `issuer`, the exact `issuer` of the transmitter configuration, to `audience` (SSF 1.0 §4.1.6, §4.1.8).
    pub fn new(issuer: impl Into<String>, audience: impl Into<Audience>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            events: Vec::new(),
            subject: None,
            txn: None,
            toe: None,
            jti: None,
            issued_at: None,
            others: Map::new(),
            dialect: Dialect::default(),
        }
    }

    /// Adds the event. A second one is for receivers whose dialect takes several, such as companions at GOV.UK.
    pub fn event(mut self, event: impl Into<Event>) -> Self {
        self.events.push(event.into());
        self
    }

    /// Sets whom or what the event is about.
    pub fn subject(mut self, subject: impl Into<Subject>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets the transaction: the same value in all SETs with the same cause (SSF 1.0 §4.1.9).
    pub fn txn(mut self, txn: impl Into<String>) -> Self {
        self.txn = Some(txn.into());
        self
    }

    /// Sets the time of the event, `toe` (RFC 8417 §2.2). CAEP events have `event_timestamp` for it.
    pub fn toe(mut self, toe: impl Into<Timestamp>) -> Self {
        self.toe = Some(toe.into());
        self
    }

    /// Sets the id of the SET. Without it, it is random, with 128 bits.
    pub fn jti(mut self, jti: impl Into<String>) -> Self {
        self.jti = Some(jti.into());
        self
    }

    /// Sets `iat`, written in whole seconds. Without it, it is the time of preparing.
    pub fn issued_at(mut self, time: impl Into<Timestamp>) -> Self {
        self.issued_at = Some(time.into());
        self
    }

    /// Sets `iat` from a clock.
    pub fn clock(self, clock: &dyn Clock) -> Self {
        self.issued_at(clock.now())
    }

    /// Sets a further claim, such as `nbf`; receivers ignore those they do not know (SSF 1.0 §4.2.3).
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.others.insert(name.into(), value.into());
        self
    }

    /// Sets the dialect of the receiver. Without it, it is `ssf-1.0`.
    pub fn dialect(mut self, dialect: &Dialect) -> Self {
        self.dialect = dialect.clone();
        self
    }

    /// Checks everything, and fixes `jti`, `iat` and the header: the SET is complete but for its signature.
    pub fn prepare(self, header: impl Into<SigningHeader>) -> Result<UnsignedSet> {
        let header = header.into();
        let rules = &self.dialect.data().set;
        self.check_claims()?;
        self.check_algorithm(&header)?;
        let shaped = self.dialect.shape(&self.events, self.subject.as_ref())?;

        let txn = match (rules.txn, self.txn) {
            // An event that cannot do without it has it whatever the dialect says.
            (_, Some(txn)) if rules.txn != Txn::Omit || shaped.requires_txn => Some(txn),
            (_, None) if shaped.requires_txn => {
                return Err(Error::new(ErrorCode::TxnMissing, "this event needs the claim txn").at("/txn"));
            }
            (Txn::Generate, None) => Some(random::identifier()?),
            (Txn::Generate | Txn::Optional | Txn::Omit, _) => None,
        };
        let claims = Claims {
            iss: self.issuer,
            jti: match self.jti {
                Some(jti) => jti,
                None => random::identifier()?,
            },
            iat: self.issued_at.unwrap_or_else(|| SystemClock.now()).as_unix_seconds(),
            aud: match rules.audience {
                AudienceForm::Any => self.audience,
                AudienceForm::String => self.audience.into_single()?,
            },
            txn,
            toe: self.toe.filter(|_| rules.toe).map(Timestamp::as_unix_seconds),
            sub_id: shaped.sub_id,
            events: shaped.events,
            others: self.others,
        };
        let kid = header.kid.as_deref().filter(|_| rules.kid);
        UnsignedSet::new(&claims, header.algorithm, kid)
    }

    /// Prepares the SET and signs it with a key of this process.
    pub fn sign(self, key: &SigningKey) -> Result<SignedSet> {
        self.prepare(key)?.sign(key)
    }

    /// The claim rules that need no dialect (`docs/architecture.md` lists them).
    fn check_claims(&self) -> Result<()> {
        if self.issuer.is_empty() {
            return Err(Error::new(ErrorCode::IssuerInvalid, "the issuer is empty").at("/iss"));
        }
        self.audience.check()?;
        if self.jti.as_ref().is_some_and(String::is_empty) {
            return Err(Error::new(ErrorCode::JtiInvalid, "the jti is empty").at("/jti"));
        }
        if self.txn.as_ref().is_some_and(String::is_empty) {
            return Err(Error::new(ErrorCode::TxnMissing, "the txn is empty").at("/txn"));
        }
        for name in self.others.keys() {
            let reason = match name.as_str() {
                // SSF 1.0 §4.1.2, §4.1.7.
                "sub" => "an SSF SET has no sub: the subject goes into sub_id",
                "exp" => "an SSF SET has no exp: it states what happened, which does not expire",
                name if OWN.contains(&name) => "this claim is the builder's own",
                _ => continue,
            };
            let error = Error::new(ErrorCode::ClaimForbidden, reason);
            return Err(error.at(crate::error::pointer_step(name)));
        }
        Ok(())
    }

    fn check_algorithm(&self, header: &SigningHeader) -> Result<()> {
        let taken = &self.dialect.data().set.algorithms;
        if taken.is_empty() || taken.iter().any(|name| name == header.algorithm.as_str()) {
            return Ok(());
        }
        let title = self.dialect.title();
        let message = format!("{title} takes signatures by {}, not {}", taken.join(", "), header.algorithm);
        Err(Error::new(ErrorCode::AlgorithmNotAccepted, message).at("/alg"))
    }
}

impl fmt::Debug for SetBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SetBuilder")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("events", &self.events)
            .field("subject", &self.subject)
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}
