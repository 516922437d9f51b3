//! Findings before sending, and explanations of answers.

use std::sync::Arc;

use ssf_transmitter::{self as sdk, Jwks, http::Response, key::SigningHeader};

use crate::{
    emission::{WrittenEvent, WrittenSubject},
    failure::{ErrorParts, Failure, Result},
    policy::moment_of,
    receiver::{Audience, Dialect, Parameter},
};

/// Something that is wrong with a SET.
#[derive(uniffi::Record)]
pub struct Finding {
    pub rule: String,
    pub severity: String,
    pub effect: String,
    pub code: String,
    pub pointer: String,
    pub message: String,
    pub remedy: String,
    pub source: String,
}

impl From<&sdk::lint::Finding> for Finding {
    fn from(finding: &sdk::lint::Finding) -> Self {
        let rule = finding.rule();
        Self {
            rule: rule.id.to_owned(),
            severity: finding.severity().as_str().to_owned(),
            effect: rule.effect.as_str().to_owned(),
            code: rule.code.as_str().to_owned(),
            pointer: finding.pointer().to_owned(),
            message: finding.message().to_owned(),
            remedy: rule.remedy.to_owned(),
            source: rule.source.to_owned(),
        }
    }
}

pub(crate) fn listed(findings: &[sdk::lint::Finding]) -> Vec<Finding> {
    findings.iter().map(Finding::from).collect()
}

/// Why something may have happened, and what to do about it.
#[derive(uniffi::Record)]
pub struct Cause {
    pub cause: String,
    pub remedy: String,
}

/// What the answer of a receiver means.
#[derive(uniffi::Record)]
pub struct Explanation {
    pub delivered: bool,
    pub reason: String,
    pub cause: String,
    pub remedy: String,
    pub possible: Vec<Cause>,
    pub findings: Vec<Finding>,
    pub said: Option<String>,
}

impl From<sdk::explain::Explanation> for Explanation {
    fn from(explanation: sdk::explain::Explanation) -> Self {
        let possible = explanation.possible().iter();
        Self {
            delivered: explanation.is_delivered(),
            reason: explanation.reason().to_owned(),
            cause: explanation.cause().to_owned(),
            remedy: explanation.remedy().to_owned(),
            possible: possible
                .map(|cause| Cause { cause: cause.cause.clone(), remedy: cause.remedy.clone() })
                .collect(),
            findings: listed(explanation.findings()),
            said: explanation.said().map(str::to_owned),
        }
    }
}

/// What a linter knows.
#[derive(uniffi::Record)]
pub struct Known {
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

impl Known {
    fn linter(self) -> Result<sdk::lint::Linter> {
        let dialect = self.dialect.map(|dialect| dialect.0.clone()).unwrap_or_default();
        let mut linter = sdk::lint::Linter::new(&dialect);
        if let Some(issuer) = self.issuer {
            linter = linter.issuer(issuer);
        }
        if let Some(audience) = self.audience {
            linter = linter.audience(audience);
        }
        if let Some(json) = self.jwks {
            linter = linter.jwks(Jwks::from_json(&json)?);
        }
        if let Some(now) = self.now {
            linter = linter.now(moment_of(now)?);
        }
        if let Some(algorithm) = self.algorithm {
            linter = linter.header(SigningHeader { algorithm: algorithm.parse()?, kid: self.kid });
        }
        if let Some(content_type) = self.sent_as {
            linter = linter.sent_as(content_type);
        }
        Ok(linter)
    }
}

/// Looks at a text that is to be a SET.
#[uniffi::export]
pub fn lint_text(known: Known, text: String) -> Result<Vec<Finding>> {
    Ok(listed(&known.linter()?.jwt(&text)))
}

/// Looks at an event, and its subject if there is one.
#[uniffi::export]
pub fn lint_event(
    known: Known,
    event: WrittenEvent,
    subject: Option<WrittenSubject>,
) -> Result<Vec<Finding>> {
    let subject = subject.map(WrittenSubject::core);
    Ok(listed(&known.linter()?.read(event.core(), subject)))
}

/// Looks at a JWKS document as it is published.
#[uniffi::export]
pub fn lint_jwks(json: String) -> Vec<Finding> {
    listed(&sdk::lint::jwks(&json))
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
pub fn explain(known: Known, set: String, answer: Answer) -> Result<Explanation> {
    let status =
        answer.status.try_into().map_err(|_| Failure::config("this is no status of an HTTP answer"))?;
    let headers = answer.headers.into_iter().map(|header| (header.name, header.value));
    let answer = Response::new(status, headers, answer.body);
    Ok(known.linter()?.explain(&set, &answer).into())
}

/// What it means that a SET was not delivered.
#[uniffi::export]
pub fn explain_error(known: Known, set: String, error: ErrorParts) -> Result<Explanation> {
    Ok(known.linter()?.explain_error(&set, &error.into()).into())
}
