//! The documents that a transmitter publishes: its configuration and its JWKS.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Check, Outcome, clock::Answered, timed};
use crate::{
    client::{Transmitter, transport::Transport},
    conformance,
    error::Error,
    http::{Endpoint, Method, Request, Response},
    jose::{Jwks, PublicKey},
    key::SigningHeader,
    lint::{self, Finding, Severity},
    metadata::located,
    time::Clock,
    web::{differ_by_slash, media_type},
};

/// What to look at, and with what to compare it.
pub(super) struct Documents<'a> {
    transport: &'a Transport,
    clock: &'a dyn Clock,
    issuer: &'a str,
    /// Where the configuration is, if it is not where the issuer says.
    url: Option<&'a str>,
    loopback: bool,
    header: SigningHeader,
    /// Of the signing key, if it is in this process.
    thumbprint: Option<String>,
    /// Whether a receiver reads the documents at all.
    needed: bool,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) checks: Vec<Check>,
    pub(super) answered: Vec<Answered>,
}

impl<'a> Documents<'a> {
    pub(super) fn new(
        transmitter: &'a Transmitter,
        url: Option<&'a str>,
        loopback: bool,
        needed: bool,
    ) -> Self {
        Self {
            transport: transmitter.transport(),
            clock: transmitter.clock(),
            issuer: transmitter.issuer(),
            url,
            loopback,
            header: transmitter.header(),
            thumbprint: transmitter.thumbprint(),
            needed,
        }
    }

    /// Where the configuration is, if that can be reached.
    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        Endpoint::parse(&self.location().ok()?, self.loopback).ok()
    }

    fn location(&self) -> Result<String, Error> {
        match self.url {
            Some(url) => Ok(url.to_owned()),
            None => located(self.issuer, "ssf-configuration", self.loopback),
        }
    }

    pub(super) async fn run(self, limit: Duration) -> Found {
        let mut found = Found::default();
        if tokio::time::timeout(limit, self.look(&mut found)).await.is_err() {
            let message = "the documents of the transmitter could not be fetched in time";
            let remedy = "Check the web server that publishes them.";
            found.checks.push(Check::failed("configuration-reachable", message, remedy).took(limit));
        }
        if !self.needed {
            for check in found.checks.iter_mut().filter(|check| check.outcome == Outcome::Failed) {
                check.outcome = Outcome::Warning;
                check.message.push_str("; you give the public key manually");
            }
        }
        found
    }

    async fn look(&self, found: &mut Found) {
        let url = match self.location() {
            Ok(url) => url,
            Err(error) => return found.checks.push(Check::of_error("configuration-reachable", &error)),
        };
        let Some(answer) = self.fetch(found, &url, "configuration-reachable", "the configuration").await
        else {
            return;
        };
        found.checks.push(content_type(&answer, "configuration-content-type", "the configuration"));
        let text = String::from_utf8_lossy(answer.body.expose()).into_owned();
        let Ok(document) = serde_json::from_str::<Map<String, Value>>(&text) else {
            let remedy = "Serve the configuration that the library generates.";
            return found.checks.push(Check::failed(
                "configuration-issuer",
                "the configuration is not a JSON object",
                remedy,
            ));
        };
        found.checks.push(self.same_issuer(&document));
        found.checks.push(conforms(&text, &url));

        let Some(jwks_uri) = document.get("jwks_uri").and_then(Value::as_str) else {
            let message = "the configuration has no jwks_uri";
            return found.checks.push(Check::failed(
                "jwks-reachable",
                message,
                "Add jwks_uri to the configuration.",
            ));
        };
        let Some(answer) = self.fetch(found, jwks_uri, "jwks-reachable", "the JWKS").await else {
            return;
        };
        found.checks.push(content_type(&answer, "jwks-content-type", "the JWKS"));
        let text = String::from_utf8_lossy(answer.body.expose()).into_owned();
        found.checks.extend(keys(&text));
        found.checks.push(self.published(&text));
    }

    /// A document, if it is there.
    async fn fetch(&self, found: &mut Found, url: &str, id: &'static str, what: &str) -> Option<Response> {
        let ((check, document), duration) = timed(self.get(&mut found.answered, url, id, what)).await;
        found.checks.push(check.took(duration));
        document
    }

    async fn get(
        &self,
        answered: &mut Vec<Answered>,
        url: &str,
        id: &'static str,
        what: &str,
    ) -> (Check, Option<Response>) {
        let endpoint = match Endpoint::parse(url, self.loopback) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                let message = format!("the URL of {what}: {error}");
                return (Check::failed(id, message, error.remedy()), None);
            }
        };
        let host = endpoint.host().to_owned();
        let request = Request::json(Method::Get, endpoint, None);
        match self.transport.send(&request, Duration::from_secs(4)).await {
            Ok(response) => {
                answered.extend(Answered::of(&response, self.clock.now(), &host));
                if response.status != 200 {
                    let message = format!("{host} answered {} for {what}", response.status);
                    let remedy = "Publish the document at this URL, without login or redirect.";
                    return (Check::failed(id, message, remedy), None);
                }
                if let Some(defect) = response.defect() {
                    let message = format!("{what} from {host} {defect}");
                    let remedy = "Check the web server that publishes it, and any proxy in front of it.";
                    return (Check::failed(id, message, remedy), None);
                }
                (Check::passed(id, format!("{what} is available at {host}")), Some(response))
            }
            Err(failure) => {
                let message = format!("{what}: {}", failure.describe(&host));
                (Check::failed(id, message, failure.code().remedy()), None)
            }
        }
    }

    fn same_issuer(&self, document: &Map<String, Value>) -> Check {
        let published = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if published == self.issuer {
            return Check::passed("configuration-issuer", "the issuer of the configuration matches the SETs");
        }
        let message = if differ_by_slash(published, self.issuer) {
            "the issuer of the configuration differs from that of the SETs only in a trailing slash"
        } else {
            "the issuer of the configuration differs from that of the SETs"
        };
        let remedy = "Write the same issuer in the configuration, in the transmitter and where it is registered \
            (an Okta provider's `issuer`); a trailing slash matters.";
        Check::failed("configuration-issuer", message, remedy)
    }

    /// Whether the signing key is published.
    fn published(&self, jwks: &str) -> Check {
        const ID: &str = "signing-key";
        let remedy = "Publish the JWKS that the library generates for the signing key.";
        let keys = Jwks::from_json(jwks).unwrap_or_default();
        let same_kid = |key: &&PublicKey| self.header.kid.as_deref() == Some(key.kid());
        let same_key = |key: &PublicKey| self.thumbprint.as_deref().is_none_or(|own| own == key.thumbprint());
        match keys.keys().iter().find(same_kid) {
            Some(key) if !same_key(key) => {
                let message = "another key is published under the kid of the signing key";
                Check::failed(ID, message, remedy)
            }
            Some(key) if !key.verifies(self.header.algorithm) => {
                let message = format!(
                    "the key is published for {}, but signs with {}",
                    key.algorithm(),
                    self.header.algorithm
                );
                Check::failed(ID, message, remedy)
            }
            Some(_) => Check::passed(ID, "the signing key is published"),
            None if self.thumbprint.is_some() && keys.keys().iter().any(same_key) => {
                Check::failed(ID, "the signing key is published under another kid", remedy)
            }
            None => Check::failed(ID, "the signing key is not published", remedy),
        }
    }
}

/// Okta and others take JSON by its own content type only.
fn content_type(answer: &Response, id: &'static str, what: &str) -> Check {
    let remedy = "Serve it as application/json.";
    match media_type(answer.header("content-type").unwrap_or_default()).as_str() {
        "application/json" => Check::passed(id, format!("{what} has the content type application/json")),
        "application/jwk-set+json" => Check::warning(
            id,
            "application/jwk-set+json is correct, but Okta requires application/json",
            remedy,
        ),
        _ => Check::failed(id, format!("{what} has a content type other than application/json"), remedy),
    }
}

/// What the conformance suite would say to the configuration.
fn conforms(document: &str, url: &str) -> Check {
    const ID: &str = "configuration-conforms";
    let broken =
        conformance::check_configuration(document, url).into_iter().find(|condition| !condition.holds);
    match broken {
        None => Check::passed(ID, "the configuration passes the conformance suite"),
        Some(condition) => {
            let message = format!("the conformance suite requires: {}", condition.demand);
            Check::warning(ID, message, "Serve the configuration that the library generates.")
        }
    }
}

/// What is to be found in the JWKS.
fn keys(jwks: &str) -> [Check; 2] {
    let findings = lint::jwks(jwks);
    let is_private =
        |finding: &&Finding| ["jwks-private-member", "jwks-symmetric"].contains(&finding.rule().id);
    let private = match findings.iter().find(is_private) {
        None => Check::passed("jwks-private", "no private key is published"),
        Some(finding) => Check::failed("jwks-private", finding.to_string(), finding.remedy()),
    };
    let others = findings.iter().filter(|finding| !is_private(finding));
    let valid = match others.rev().max_by_key(|finding| finding.severity()) {
        Some(worst) if worst.severity() == Severity::Error => {
            Check::failed("jwks-valid", worst.to_string(), worst.remedy())
        }
        Some(worst) if worst.severity() == Severity::Warning => {
            Check::warning("jwks-valid", worst.to_string(), worst.remedy())
        }
        _ => Check::passed("jwks-valid", "the keys of the JWKS can be read"),
    };
    [private, valid]
}
