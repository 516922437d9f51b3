//! From event and subject to an unsigned SET.

use std::fmt;

use serde_json::{Map, Value};

use super::{Audience, SignedSet, UnsignedSet};
use crate::{
    checks::{self, Context, LintPolicy},
    dialect::{AudienceForm, Dialect, Txn},
    error::{Error, ErrorCode, Result, pointer_step},
    event::{Event, event_pointer},
    finding::Finding,
    jose,
    key::{SigningHeader, SigningKey},
    random,
    subject::Subject,
    time::{Clock, SystemClock, Timestamp},
};

/// Names of claims that the builder writes itself.
const OWN: &[&str] = &["iss", "jti", "iat", "aud", "txn", "toe", "sub_id", "events"];

/// Builds a SET: what it says, to whom, in which dialect.
///
/// Everything is checked when the SET is prepared: the claims by RFC 8417 and SSF 1.0, event and subject by their
/// definitions, and then the whole SET, as it would be sent, by the rules of [`lint`](crate::lint) and the dialect.
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
    policy: LintPolicy,
    /// The reference time by which times in the future are found, if a clock was given.
    now: Option<Timestamp>,
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
            policy: LintPolicy::default(),
            now: None,
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

    /// Sets the subject, if there is one.
    #[cfg(feature = "client")]
    pub(crate) fn about(self, subject: Option<Subject>) -> Self {
        Self { subject, ..self }
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
    pub fn clock(mut self, clock: &dyn Clock) -> Self {
        self.now = Some(clock.now());
        self.issued_at = self.now;
        self
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

    /// Sets how findings are handled. By default, errors block the send, and warnings are returned on the receipt.
    pub fn lint(mut self, policy: LintPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Validates everything, and fixes `jti`, `iat` and the header. Only the signature is missing.
    ///
    /// A subject inside an event, as receivers print their events, is taken as the subject of the SET where the dialect would
    /// write it there.
    pub fn prepare(self, header: impl Into<SigningHeader>) -> Result<UnsignedSet> {
        let header = header.into();
        let algorithm = header.algorithm;
        let header = jose::header(algorithm, header.kid.filter(|_| self.dialect.data().set.kid));
        let (claims, findings) = self.validate(Some(&header))?;
        UnsignedSet::new(algorithm, &header, &claims, findings)
    }

    /// The claims, and what lint reports of them.
    fn validate(mut self, header: Option<&Map<String, Value>>) -> Result<(Map<String, Value>, Vec<Finding>)> {
        self.check_claims()?;
        if self.events.is_empty() {
            return Err(Error::new(ErrorCode::EventMissing, "a SET needs an event").at("/events"));
        }
        self.take_subject()?;
        self.check_definitions()?;
        let (dialect, policy, now) = (self.dialect.clone(), self.policy.clone(), self.now);
        let claims = self.claims()?;
        let context = Context { now, ..Context::of(&dialect) };
        let findings = policy.apply(checks::check(context, header, &claims))?;
        Ok((claims, findings))
    }

    /// What lint reports of the SET, whichever key will sign it. Fails as [`prepare`](Self::prepare) would.
    pub(crate) fn check(self) -> Result<Vec<Finding>> {
        Ok(self.validate(None)?.1)
    }

    /// Prepares the SET and signs it with a key of this process.
    pub fn sign(self, key: &SigningKey) -> Result<SignedSet> {
        self.prepare(key)?.sign(key)
    }

    /// What is to be found in the SET, whatever is wrong with it.
    pub(crate) fn findings(mut self, context: Context<'_>, header: Option<&SigningHeader>) -> Vec<Finding> {
        let wanted = self.dialect.data().set.kid;
        let header =
            header.map(|header| jose::header(header.algorithm, header.kid.clone().filter(|_| wanted)));
        let errors = [self.take_subject(), self.check_claims(), self.check_definitions()]
            .into_iter()
            .filter_map(Result::err);
        let errors: Vec<_> = errors.collect();
        let findings = match self.claims() {
            Ok(claims) => checks::check(context, header.as_ref(), &claims),
            Err(error) => checks::findings_of(context, &[error]),
        };
        // What the claims do not show any more, such as a claim of the builder's own that was set by name.
        let others = checks::findings_of(context, &errors);
        let new = |finding: &Finding| findings.iter().all(|other| other.pointer() != finding.pointer());
        let others: Vec<_> = others.into_iter().filter(new).collect();
        findings.into_iter().chain(others).collect()
    }

    /// The claims in the receiver's form, in the order in which they are written.
    fn claims(self) -> Result<Map<String, Value>> {
        let rules = &self.dialect.data().set;
        let shaped = self.dialect.shape(self.events, self.subject)?;
        let txn = match (rules.txn, self.txn) {
            // An event that cannot do without it has it whatever the dialect says.
            (_, Some(txn)) if rules.txn != Txn::Omit || shaped.requires_txn => Some(txn),
            // Only the caller knows which request it answers.
            (Txn::Generate, None) if !shaped.requires_txn => Some(random::identifier()?),
            _ => None,
        };
        let issued_at = self.issued_at.unwrap_or_else(|| SystemClock.now());
        let audience = match rules.audience {
            AudienceForm::Any => self.audience,
            AudienceForm::String | AudienceForm::Org => self.audience.simplified(),
        };
        let mut claims = Map::with_capacity(8 + self.others.len());
        let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
        put("iss", self.issuer.into());
        put("jti", self.jti.map_or_else(random::identifier, Ok)?.into());
        // Whole seconds: a receiver may refuse fractions, and times ahead of its clock (SSF conformance tests).
        put("iat", issued_at.as_unix_seconds().into());
        put("aud", audience.into());
        if let Some(txn) = txn {
            put("txn", txn.into());
        }
        if let Some(toe) = self.toe.filter(|_| rules.toe) {
            put("toe", toe.as_unix_seconds().into());
        }
        if let Some(sub_id) = shaped.sub_id {
            put("sub_id", sub_id);
        }
        put("events", Value::Object(shaped.events));
        claims.extend(self.others);
        Ok(claims)
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
                "sub" => "an SSF SET must not have sub: put the subject into sub_id",
                "exp" => "an SSF SET must not have exp: events do not expire",
                name if OWN.contains(&name) => "the builder sets this claim",
                _ => continue,
            };
            let error = Error::new(ErrorCode::ClaimForbidden, reason);
            return Err(error.at(pointer_step(name)));
        }
        Ok(())
    }

    /// What the definitions of events and subject demand, whoever the receiver is.
    fn check_definitions(&self) -> Result<()> {
        if let Some(subject) = &self.subject {
            subject.validate().map_err(|error| error.within("/sub_id"))?;
        }
        self.events.iter().try_for_each(|event| self.dialect.check_event(event))
    }

    /// Takes the subject from an event. It must be equal to the subject of the SET, if there is one.
    fn take_subject(&mut self) -> Result<()> {
        for event in &self.events {
            let Some(own) = self.dialect.subject_of(event)? else {
                continue;
            };
            match &self.subject {
                Some(given) if !self.dialect.are_same(event, given, &own) => {
                    let message = "the subject in the event differs from the subject passed with it";
                    let place = event_pointer(event.uri()) + &pointer_step("subject");
                    return Err(Error::new(ErrorCode::EventMemberForbidden, message).at(place));
                }
                Some(_) => {}
                None => self.subject = Some(own),
            }
        }
        Ok(())
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
