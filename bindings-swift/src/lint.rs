//! Findings before sending, and explanations of answers.

use std::sync::Arc;

use ssf_bindings::{header, lint::Setup};
use ssf_transmitter::{self as sdk, Jwks, catalogue::Language, http::Response};

use crate::{
    emission::{WrittenEvent, WrittenSubject},
    failure::{Failure, Result},
    policy::moment_of,
    receiver::{Audience, Dialect, Parameter},
    records::{ErrorParts, Explanation, Finding, findings},
};

/// What a linter knows.
#[derive(uniffi::Record)]
pub struct LinterSettings {
    pub dialect: Option<Arc<Dialect>>,
    pub issuer: Option<String>,
    pub audience: Option<Audience>,
    pub jwks: Option<String>,
    /// In seconds since 1970.
    pub now: Option<f64>,
    pub algorithm: Option<String>,
    pub kid: Option<String>,
    pub sent_as: Option<String>,
}

impl LinterSettings {
    fn linter(self) -> sdk::Result<sdk::lint::Linter> {
        let setup = Setup {
            dialect: self.dialect.map(|dialect| dialect.0.clone()).unwrap_or_default(),
            issuer: self.issuer,
            audience: self.audience.map(Into::into),
            jwks: self.jwks.map(|json| Jwks::from_json(&json)).transpose()?,
            now: self.now.map(moment_of).transpose()?,
            header: self.algorithm.map(|algorithm| header(&algorithm, self.kid)).transpose()?,
            sent_as: self.sent_as,
        };
        Ok(setup.linter())
    }
}

/// Lints any text as a SET.
#[uniffi::export]
pub fn lint_text(known: LinterSettings, text: String) -> Result<Vec<Finding>> {
    Ok(findings(&known.linter()?.jwt(&text)))
}

/// Looks at an event, and its subject if there is one.
#[uniffi::export]
pub fn lint_event(
    known: LinterSettings,
    event: WrittenEvent,
    subject: Option<WrittenSubject>,
) -> Result<Vec<Finding>> {
    let subject = subject.map(WrittenSubject::core);
    Ok(findings(&known.linter()?.read(event.core(), subject)))
}

/// Lints a published JWKS document.
#[uniffi::export]
pub fn lint_jwks(json: String) -> Vec<Finding> {
    findings(&sdk::lint::jwks(&json))
}

/// An answer of a receiver.
#[derive(uniffi::Record)]
pub struct Answer {
    pub status: i64,
    pub headers: Vec<Parameter>,
    pub body: Vec<u8>,
}

/// What the answer of a receiver to a SET means.
#[uniffi::export]
pub fn explain(known: LinterSettings, set: String, answer: Answer) -> Result<Explanation> {
    let status = answer.status.try_into().map_err(|_| Failure::config("not an HTTP status"))?;
    let headers = answer.headers.into_iter().map(|header| (header.name, header.value));
    let answer = Response::new(status, headers, answer.body);
    Ok(known.linter()?.explain(&set, &answer).in_language(Language::Swift).into())
}

/// What it means that a SET was not delivered.
#[uniffi::export]
pub fn explain_error(known: LinterSettings, set: String, error: ErrorParts) -> Result<Explanation> {
    Ok(known.linter()?.explain_error(&set, &error.into()).in_language(Language::Swift).into())
}
