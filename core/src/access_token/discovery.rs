//! Where an issuer publishes its keys.

use serde_json::{Map, Value};

use super::TrustedIssuer;
use crate::{
    error::{Error, ErrorCode, Result},
    http::{Endpoint, Response},
};

/// Where to look for the keys of an issuer.
#[derive(Clone, Debug)]
pub(crate) struct KeySource {
    issuer: String,
    loopback: bool,
    /// The JWKS, where the settings name it.
    pub(super) jwks: Option<Endpoint>,
    /// Where the metadata may be, in the order of the attempts.
    pub(super) metadata: Vec<Endpoint>,
}

impl KeySource {
    /// The places of an issuer, by its settings. `issuer_invalid` and `endpoint_invalid` for text that is not a URL.
    pub(super) fn of(issuer: &TrustedIssuer, loopback: bool) -> Result<Self> {
        let endpoint = |url: &String| Endpoint::parse(url, loopback);
        let jwks = issuer.jwks_uri.as_ref().map(endpoint).transpose()?;
        let metadata = match (&jwks, &issuer.metadata_url) {
            (Some(_), _) => Vec::new(),
            (None, Some(url)) => vec![endpoint(url)?],
            (None, None) => well_known(&issuer.issuer, loopback)?,
        };
        if issuer.issuer.is_empty() {
            return Err(Error::new(ErrorCode::IssuerInvalid, "the issuer of access tokens is empty"));
        }
        Ok(Self { issuer: issuer.issuer.clone(), loopback, jwks, metadata })
    }

    /// The host that is asked first.
    pub(crate) fn host(&self) -> &str {
        self.jwks.as_ref().or(self.metadata.first()).map_or("", Endpoint::host)
    }

    /// The URL of the JWKS in an issuer's metadata (RFC 8414 §2, OpenID Connect Discovery §3). The document must name the
    /// issuer exactly: otherwise it could be that of another one at the same host (RFC 8414 §3.3).
    pub(super) fn jwks_uri(&self, answer: &Response) -> Result<Endpoint> {
        let document: Map<String, Value> = document(answer)?;
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("issuer") != Some(&self.issuer) {
            return Err(unusable("the metadata is that of another issuer"));
        }
        let url = text("jwks_uri").ok_or_else(|| unusable("the metadata has no jwks_uri"))?;
        Endpoint::parse(url, self.loopback)
            .map_err(|error| unusable("the jwks_uri cannot be used").because(error))
    }
}

/// The body of a successful answer, as text.
pub(super) fn body(answer: &Response) -> Result<&str> {
    // A redirect is an answer like any other: the client follows none.
    if answer.status != 200 {
        let message = format!("the issuer answered with status {}", answer.status);
        return Err(unusable(message).with_status(answer.status));
    }
    if let Some(defect) = answer.defect() {
        return Err(unusable(format!("the document of the issuer {defect}")));
    }
    std::str::from_utf8(answer.text_bytes()).map_err(|_| unusable("the document of the issuer is not UTF-8"))
}

fn document(answer: &Response) -> Result<Map<String, Value>> {
    serde_json::from_str(body(answer)?)
        .map_err(|_| unusable("the metadata of the issuer is not a JSON object"))
}

pub(super) fn unusable(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::IssuerKeysUnusable, message)
}

/// The places of RFC 8414 §3.1, and of OpenID Connect Discovery §4.1, which most issuers have.
fn well_known(issuer: &str, loopback: bool) -> Result<Vec<Endpoint>> {
    let invalid = |message: &str| Error::new(ErrorCode::IssuerInvalid, message);
    let base = Endpoint::parse(issuer, loopback).map_err(|error| invalid(error.message()))?;
    if base.url().query().is_some() {
        return Err(invalid("an issuer has no query"));
    }
    let path = base.url().path().strip_suffix('/').unwrap_or(base.url().path());
    let openid = format!("{path}/.well-known/openid-configuration");
    let oauth = format!("/.well-known/oauth-authorization-server{path}");
    Ok(vec![base.at_path(&openid), base.at_path(&oauth)])
}
