//! The documents that everybody may read: transmitter configuration and keys (SSF 1.0 §7).

use openssl::sha;

use super::{Answer, Head, StreamApi, problem::Problem, route::Operation};
use crate::{
    base64,
    error::Result,
    metadata::{DELIVERY_POLL, DELIVERY_PUSH, TransmitterConfiguration},
};

/// How long caches keep the configuration, in seconds.
const CONFIGURATION_AGE: u32 = 3600;
/// How long caches keep the keys: shorter, so that a new key is known soon after it is staged.
const KEYS_AGE: u32 = 300;
/// OAuth 2.0 (CAEP Interoperability Profile §2.3.7).
const OAUTH: &str = "urn:ietf:rfc:6749";

/// A document, and for how many seconds it holds.
pub(super) struct Document {
    text: String,
    age: u32,
}

impl Document {
    /// The answer to a request, which may have the document already.
    pub(super) fn answer(self, head: &Head) -> Answer {
        let hash = sha::sha256(self.text.as_bytes());
        let etag = format!("\"{}\"", base64::encode(&hash[..16]));
        let same = |known: &str| {
            known
                .split(',')
                .map(|one| one.trim().trim_start_matches("W/"))
                .any(|one| one == "*" || one == etag)
        };
        let is_known = head.get("if-none-match").is_some_and(same);
        let answer = Answer::document(self.text, format!("public, max-age={}", self.age), etag);
        if is_known { answer.not_modified() } else { answer }
    }
}

impl StreamApi {
    /// The transmitter configuration, as it is served (SSF 1.0 §7.1).
    pub fn configuration(&self) -> TransmitterConfiguration {
        let settings = self.settings();
        let methods = [(true, DELIVERY_POLL), (settings.push.is_some(), DELIVERY_PUSH)];
        let configuration = TransmitterConfiguration::new(&settings.issuer)
            .jwks_uri(settings.routes.url("jwks.json"))
            .delivery_methods(methods.into_iter().filter(|(has, _)| *has).map(|(_, method)| method))
            .configuration_endpoint(settings.routes.url("streams"))
            .status_endpoint(settings.routes.url("status"))
            .add_subject_endpoint(settings.routes.url("subjects:add"))
            .remove_subject_endpoint(settings.routes.url("subjects:remove"))
            .verification_endpoint(settings.routes.url("verify"))
            .critical_subject_members(&settings.critical_subject_members)
            .authorization_scheme(OAUTH)
            .default_subjects(settings.default_subjects)
            // What a paused stream holds (CAEP Interoperability Profile §2.3.5).
            .member("max_held_events", settings.max_waiting)
            .member("max_held_seconds", settings.max_held_age.as_secs());
        if settings.loopback { configuration.allow_loopback_http() } else { configuration }
    }

    /// A document that everybody may read.
    pub(super) fn document(&self, operation: &Operation) -> Result<Document, Problem> {
        match operation {
            Operation::Metadata => Ok(Document { text: self.metadata_document()?, age: CONFIGURATION_AGE }),
            Operation::Jwks => Ok(Document { text: self.keys().jwks()?.to_json(), age: KEYS_AGE }),
            Operation::ProtectedResource => {
                let resource = self.settings().resource.as_ref().ok_or_else(Problem::no_such_path)?;
                Ok(Document { text: resource.document.clone(), age: CONFIGURATION_AGE })
            }
            _ => Err(Problem::no_such_path()),
        }
    }

    pub(super) fn metadata_document(&self) -> Result<String> {
        self.configuration().to_json()
    }
}
