//! Findings before sending, and explanations of answers.

use napi::bindgen_prelude::{ClassInstance, Uint8Array};
use napi_derive::napi;
use ssf_transmitter::{self as sdk, http::Response, key::SigningHeader};

use crate::{
    emission::{Written, any_event, any_subject},
    failure::{ErrorParts, Outcome, Result, outcome},
    key::{jwks, moment},
    receiver::{Addressee, Dialect, audience},
    sets::UnsignedSet,
};

/// Something that is wrong with a SET.
#[napi(object, object_from_js = false)]
pub struct Finding {
    pub rule: &'static str,
    pub severity: &'static str,
    pub effect: &'static str,
    pub code: &'static str,
    pub pointer: String,
    pub message: String,
    pub remedy: &'static str,
    pub source: &'static str,
}

impl From<&sdk::lint::Finding> for Finding {
    fn from(finding: &sdk::lint::Finding) -> Self {
        let rule = finding.rule();
        Self {
            rule: rule.id,
            severity: finding.severity().as_str(),
            effect: rule.effect.as_str(),
            code: rule.code.as_str(),
            pointer: finding.pointer().to_owned(),
            message: finding.message().to_owned(),
            remedy: rule.remedy,
            source: rule.source,
        }
    }
}

/// Why something may have happened, and what to do about it.
#[napi(object, object_from_js = false)]
pub struct Cause {
    pub cause: String,
    pub remedy: String,
}

/// What the answer of a receiver means.
#[napi(object, object_from_js = false)]
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
            findings: explanation.findings().iter().map(Finding::from).collect(),
            said: explanation.said().map(str::to_owned),
        }
    }
}

/// What a linter knows.
#[napi(object, object_to_js = false)]
pub struct Known<'a> {
    pub dialect: Option<ClassInstance<'a, Dialect>>,
    pub issuer: Option<String>,
    pub audience: Option<Addressee>,
    pub jwks: Option<String>,
    pub now: Option<f64>,
    pub algorithm: Option<String>,
    pub kid: Option<String>,
    pub sent_as: Option<String>,
}

impl Known<'_> {
    fn linter(self) -> Result<sdk::lint::Linter> {
        let dialect = self.dialect.map(|dialect| dialect.0.clone()).unwrap_or_default();
        let mut linter = sdk::lint::Linter::new(&dialect);
        if let Some(issuer) = self.issuer {
            linter = linter.issuer(issuer);
        }
        if let Some(addressee) = self.audience {
            linter = linter.audience(audience(addressee));
        }
        if let Some(json) = self.jwks {
            linter = linter.jwks(jwks(&json)?);
        }
        if let Some(now) = self.now {
            linter = linter.now(moment(now));
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

pub(crate) fn listed(findings: &[sdk::lint::Finding]) -> Vec<Finding> {
    findings.iter().map(Finding::from).collect()
}

/// Looks at a text that is to be a SET.
#[napi]
pub fn lint_text(known: Known<'_>, text: String) -> Outcome<Vec<Finding>> {
    outcome(known.linter().map(|linter| listed(&linter.jwt(&text))))
}

/// Looks at a SET that is not signed yet.
#[napi]
pub fn lint_unsigned(known: Known<'_>, set: &UnsignedSet) -> Outcome<Vec<Finding>> {
    outcome(known.linter().map(|linter| listed(&linter.unsigned(&set.0))))
}

/// Looks at an event, and its subject if there is one.
#[napi]
pub fn lint_event(
    known: Known<'_>,
    event: Written,
    subject: Option<Written>,
    private: bool,
) -> Outcome<Vec<Finding>> {
    outcome(known.linter().map(|linter| {
        listed(&linter.read(any_event(event), subject.map(|subject| any_subject(subject, private))))
    }))
}

/// Looks at a JWKS document as it is published.
#[napi]
pub fn lint_jwks(json: String) -> Vec<Finding> {
    listed(&sdk::lint::jwks(&json))
}

/// What the answer of a receiver to a SET means.
#[napi]
pub fn explain(
    known: Known<'_>,
    set: String,
    status: u16,
    headers: Vec<String>,
    body: Uint8Array,
) -> Outcome<Explanation> {
    let headers: Vec<_> = headers.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let answer = Response::new(status, headers, body.to_vec());
    outcome(known.linter().map(|linter| linter.explain(&set, &answer).into()))
}

/// What it means that a SET was not delivered.
#[napi]
pub fn explain_error(known: Known<'_>, set: String, error: ErrorParts) -> Outcome<Explanation> {
    let error = error.into();
    outcome(known.linter().map(|linter| linter.explain_error(&set, &error).into()))
}
