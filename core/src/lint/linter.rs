//! Lints events, SETs and tokens.

use super::{Finding, text};
use crate::{
    audience::Audience,
    checks::{self, Context},
    dialect::Dialect,
    error::{Error, ErrorCode, Result},
    event::Event,
    jose::Jwks,
    key::SigningHeader,
    set::{SetBuilder, SignedSet, UnsignedSet},
    subject::Subject,
    time::Timestamp,
};

/// Lints events, SETs, and tokens from other software. Sends nothing.
///
/// The more it is told the more it finds: the registered issuer, the audience that the receiver expects, the published
/// keys.
///
/// ```
/// use ssf_transmitter::{Dialect, lint::{Linter, Severity}};
///
/// // A token made by hand: no `typ`, no `kid`, times in milliseconds.
/// let header = "eyJhbGciOiJSUzI1NiJ9";
/// let claims = "eyJpc3MiOiJodHRwczovL2Vkci5leGFtcGxlLmNvbSIsImlhdCI6MTc2NzIyNTU5MDAwMH0";
/// let findings = Linter::new(&Dialect::okta()).jwt(&format!("{header}.{claims}."));
/// let rules: Vec<_> = findings.iter().map(|finding| finding.rule().id).collect();
/// assert!(rules.contains(&"typ-missing") && rules.contains(&"iat-unit") && rules.contains(&"aud-missing"));
/// assert!(findings.iter().all(|finding| finding.severity() == Severity::Error));
/// ```
#[derive(Clone, Debug)]
pub struct Linter {
    dialect: Dialect,
    /// None: the time at which something is looked at.
    now: Option<Timestamp>,
    issuer: Option<String>,
    audience: Option<Audience>,
    jwks: Option<Jwks>,
    header: Option<SigningHeader>,
    pub(crate) sent_as: Option<String>,
}

impl Linter {
    /// By what is known of receivers of this dialect, and by the time at which it looks.
    pub fn new(dialect: &Dialect) -> Self {
        Self {
            dialect: dialect.clone(),
            now: None,
            issuer: None,
            audience: None,
            jwks: None,
            header: None,
            sent_as: None,
        }
    }

    /// Sets the issuer that is registered at the receiver.
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Sets the audience that the receiver expects.
    pub fn audience(mut self, audience: impl Into<Audience>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets the published keys: signatures are then verified too.
    pub fn jwks(mut self, jwks: Jwks) -> Self {
        self.jwks = Some(jwks);
        self
    }

    /// Sets the time by which times in the future are found.
    pub fn now(mut self, now: impl Into<Timestamp>) -> Self {
        self.now = Some(now.into());
        self
    }

    /// Sets the header that SETs will have, so that [`event`](Self::event) looks at it too.
    pub fn header(mut self, header: impl Into<SigningHeader>) -> Self {
        self.header = Some(header.into());
        self
    }

    /// Sets the content type that the SET was sent with, for [`explain`](Self::explain).
    pub fn sent_as(mut self, content_type: impl Into<String>) -> Self {
        self.sent_as = Some(content_type.into());
        self
    }

    /// Lints an event and its subject, combined as they would be sent.
    pub fn event(&self, event: &Event, subject: Option<&Subject>) -> Vec<Finding> {
        const ISSUER: &str = "https://transmitter.example.com";
        const AUDIENCE: &str = "https://receiver.example.com";
        let audience = self.audience.clone().unwrap_or_else(|| AUDIENCE.into());
        let mut builder = SetBuilder::new(self.issuer.as_deref().unwrap_or(ISSUER), audience)
            .dialect(&self.dialect)
            .event(event.clone())
            .issued_at(self.time());
        if let Some(subject) = subject {
            builder = builder.subject(subject.clone());
        }
        builder.findings(self.context(), self.header.as_ref())
    }

    /// Looks at an event and a subject that were read from elsewhere: why one of them cannot be read is a finding too.
    ///
    /// ```
    /// use serde_json::json;
    /// use ssf_transmitter::{Dialect, Event, lint::Linter};
    ///
    /// let event = Event::from_value(json!({ "urn:example:event": "no object" }));
    /// let findings = Linter::new(&Dialect::default()).read(event, None);
    /// assert_eq!(findings[0].rule().id, "event-member-type");
    /// ```
    pub fn read(&self, event: Result<Event>, subject: Option<Result<Subject>>) -> Vec<Finding> {
        let (event, subject) = match (event, subject.transpose()) {
            (Ok(event), Ok(subject)) => return self.event(&event, subject.as_ref()),
            (event, subject) => {
                let subject = subject.and_then(|subject| subject.as_ref().map_or(Ok(()), Subject::validate));
                (event.and_then(|event| event.validate()), subject)
            }
        };
        let subject = subject.map_err(|error| error.within("/sub_id"));
        // Where a value has no form in JSON, that is the rule.
        let as_found = |error: Error| match error.code() {
            ErrorCode::ValueNotJson | ErrorCode::TextNotUnicode | ErrorCode::NumberNotExact => {
                error.with_code(ErrorCode::JsonInvalid)
            }
            _ => error,
        };
        let errors: Vec<_> = [event, subject].into_iter().filter_map(Result::err).map(as_found).collect();
        checks::findings_of(self.context(), &errors)
    }

    /// Lints an unsigned SET.
    pub fn unsigned(&self, set: &UnsignedSet) -> Vec<Finding> {
        let input = String::from_utf8_lossy(set.signing_input());
        text::check(self.context(), &format!("{input}."), false)
    }

    /// Lints a signed SET.
    pub fn signed(&self, set: &SignedSet) -> Vec<Finding> {
        self.jwt(set.as_str())
    }

    /// Lints any text as a SET. Never fails.
    pub fn jwt(&self, text: &str) -> Vec<Finding> {
        text::check(self.context(), text, true)
    }

    fn time(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            dialect: &self.dialect,
            now: Some(self.time()),
            issuer: self.issuer.as_deref(),
            audience: self.audience.as_ref(),
            jwks: self.jwks.as_ref(),
        }
    }
}
