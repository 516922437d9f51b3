//! Protected resource metadata: where receivers get their tokens (RFC 9728).

use serde_json::{Value, json};

use super::TrustedIssuer;
use crate::{
    error::{Error, ErrorCode, Result},
    http::Endpoint,
    metadata::located,
};

/// The protected resource metadata of a transmitter's API. Serve [`to_json`](Self::to_json) at [`url`](Self::url) with the content
/// type `application/json`.
///
/// ```
/// use ssf_transmitter::access_token::{ResourceMetadata, TrustedIssuer};
///
/// let issuer = TrustedIssuer::okta("https://acme.okta.com/oauth2/default");
/// let metadata = ResourceMetadata::new("https://tr.example.com/ssf", [&issuer])?;
/// assert_eq!(metadata.url(), "https://tr.example.com/.well-known/oauth-protected-resource/ssf");
/// assert!(metadata.to_json().contains(r#""authorization_servers":["https://acme.okta.com/oauth2/default"]"#));
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResourceMetadata {
    url: String,
    document: Value,
}

impl ResourceMetadata {
    /// Of the resource with this https URL, and these issuers of its tokens. `endpoint_invalid` if it is no such URL.
    pub fn new<'a>(resource: &str, issuers: impl IntoIterator<Item = &'a TrustedIssuer>) -> Result<Self> {
        Self::at(resource, issuers, false)
    }

    pub(crate) fn at<'a>(
        resource: &str,
        issuers: impl IntoIterator<Item = &'a TrustedIssuer>,
        loopback: bool,
    ) -> Result<Self> {
        let endpoint = Endpoint::parse(resource, loopback)?;
        if endpoint.url().query().is_some() {
            let message = "the URL of the API has a query; its metadata would have none";
            return Err(Error::new(ErrorCode::EndpointInvalid, message));
        }
        let url = located(resource, "oauth-protected-resource", loopback)?;
        let (mut servers, mut scopes) = (Vec::new(), Vec::new());
        for issuer in issuers {
            servers.push(issuer.issuer());
            scopes.extend(issuer.names_of_scopes().filter(|name| !scopes.contains(name)).collect::<Vec<_>>());
        }
        let mut document = json!({ "resource": resource, "bearer_methods_supported": ["header"] });
        if !servers.is_empty() {
            document["authorization_servers"] = json!(servers);
            document["scopes_supported"] = json!(scopes);
        }
        Ok(Self { url, document })
    }

    /// Where the document belongs: `/.well-known/oauth-protected-resource` between host and path (RFC 9728 §3.1).
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The document.
    pub fn to_json(&self) -> String {
        self.document.to_string()
    }
}
