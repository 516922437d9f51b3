//! Findings before sending, and explanations of answers.

use napi::bindgen_prelude::{ClassInstance, Uint8Array};
use napi_derive::napi;
use ssf_bindings::{header, lint::Setup};
use ssf_transmitter::{self as sdk, Jwks, catalogue::Language, http::Response};

use crate::{
    emission::{JsonOrError, any_event, any_subject},
    failure::{Failure, Outcome, outcome},
    key::moment,
    receiver::{Addressee, Dialect, audience},
    records::{ErrorParts, Explanation, Finding, findings},
    sets::UnsignedSet,
};

/// What a linter knows.
#[napi(object, object_to_js = false)]
pub struct LinterSettings<'a> {
    pub dialect: Option<ClassInstance<'a, Dialect>>,
    pub issuer: Option<String>,
    pub audience: Option<Addressee>,
    pub jwks: Option<String>,
    pub now: Option<f64>,
    pub algorithm: Option<String>,
    pub kid: Option<String>,
    pub sent_as: Option<String>,
}

impl LinterSettings<'_> {
    fn linter(self) -> sdk::Result<sdk::lint::Linter> {
        let setup = Setup {
            dialect: self.dialect.map(|dialect| dialect.0.clone()).unwrap_or_default(),
            issuer: self.issuer,
            audience: self.audience.map(audience),
            jwks: self.jwks.map(|json| Jwks::from_json(&json)).transpose()?,
            now: self.now.map(moment),
            header: self.algorithm.map(|algorithm| header(&algorithm, self.kid)).transpose()?,
            sent_as: self.sent_as,
        };
        Ok(setup.linter())
    }

    fn findings(
        self,
        look: impl FnOnce(&sdk::lint::Linter) -> Vec<sdk::lint::Finding>,
    ) -> Outcome<Vec<Finding>> {
        outcome(self.linter().map(|linter| findings(&look(&linter))).map_err(Failure::from))
    }
}

/// Lints any text as a SET.
#[napi]
pub fn lint_text(known: LinterSettings<'_>, text: String) -> Outcome<Vec<Finding>> {
    known.findings(|linter| linter.jwt(&text))
}

/// Lints an unsigned SET.
#[napi]
pub fn lint_unsigned(known: LinterSettings<'_>, set: &UnsignedSet) -> Outcome<Vec<Finding>> {
    known.findings(|linter| linter.unsigned(&set.0))
}

/// Looks at an event, and its subject if there is one.
#[napi]
pub fn lint_event(
    known: LinterSettings<'_>,
    event: JsonOrError,
    subject: Option<JsonOrError>,
    private: bool,
) -> Outcome<Vec<Finding>> {
    let subject = subject.map(|subject| any_subject(subject, private));
    known.findings(|linter| linter.read(any_event(event), subject))
}

/// Lints a published JWKS document.
#[napi]
pub fn lint_jwks(json: String) -> Vec<Finding> {
    findings(&sdk::lint::jwks(&json))
}

/// What the answer of a receiver to a SET means.
#[napi]
pub fn explain(
    known: LinterSettings<'_>,
    set: String,
    status: u16,
    headers: Vec<String>,
    body: Uint8Array,
) -> Outcome<Explanation> {
    let headers: Vec<_> = headers.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    let answer = Response::new(status, headers, body.to_vec());
    outcome(
        known
            .linter()
            .map(|linter| linter.explain(&set, &answer).in_language(Language::Node).into())
            .map_err(Failure::from),
    )
}

/// What it means that a SET was not delivered.
#[napi]
pub fn explain_error(known: LinterSettings<'_>, set: String, error: ErrorParts) -> Outcome<Explanation> {
    let error = error.into();
    outcome(
        known
            .linter()
            .map(|linter| linter.explain_error(&set, &error).in_language(Language::Node).into())
            .map_err(Failure::from),
    )
}
