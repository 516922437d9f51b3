//! The API by which a transmitter is registered: Okta's security events providers (Management API 2026.06.3, tag
//! `SSFReceiver`), and the System Log beside it. Where that is silent, a comment says what was chosen.

mod draft;
mod error;
mod log;
mod tokens;

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::config::ApiTokens;
use super::documents::Documents;
use super::random;
use super::received::Received;
use super::transmitters::{Origin, Registered, Taken, Transmitters};
use draft::{Draft, Settings};

pub(crate) use error::ApiError;
pub(crate) use log::SystemLog;

/// The API and its transmitters.
pub(crate) struct Api {
    path: &'static str,
    /// Before every path in links.
    base_url: String,
    tokens: ApiTokens,
    documents: Documents,
    transmitters: Arc<Transmitters>,
}

impl Api {
    pub(crate) fn new(
        path: &'static str,
        base_url: String,
        tokens: ApiTokens,
        documents: Documents,
        transmitters: Arc<Transmitters>,
    ) -> Self {
        Self { path, base_url, tokens, documents, transmitters }
    }

    /// Whether this path is one of the API.
    pub(crate) fn has(&self, path: &str) -> bool {
        path.strip_prefix(self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub(crate) async fn answer(&self, request: &Received) -> Answer {
        self.respond(request).await.unwrap_or_else(ApiError::answer)
    }

    async fn respond(&self, request: &Received) -> Result<Answer, ApiError> {
        let method = &request.method;
        self.tokens.authorize(&request.headers, method == Method::GET)?;
        let steps: Vec<_> =
            request.path.strip_prefix(self.path).unwrap_or_default().split('/').skip(1).collect();
        match (&steps[..], method) {
            ([], &Method::GET) => {
                let all: Vec<_> = self.transmitters.list().iter().map(|one| self.shown(one)).collect();
                Ok(Answer::json(StatusCode::OK, &Value::from(all)))
            }
            ([], &Method::POST) => self.create(request).await,
            ([], _) => Err(ApiError::method_not_allowed("GET, POST")),
            ([id], &Method::GET) => self.found(id, self.transmitters.get(id)),
            ([id], &Method::PUT) => self.replace(id, request).await,
            ([id], &Method::DELETE) if self.transmitters.remove(id) => {
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            ([id], &Method::DELETE) => Err(ApiError::not_found(id)),
            ([_], _) => Err(ApiError::method_not_allowed("GET, PUT, DELETE")),
            // What is answered when it is so already is not documented; the same is chosen.
            ([id, "lifecycle", "activate"], &Method::POST) => {
                self.found(id, self.transmitters.set_active(id, true))
            }
            ([id, "lifecycle", "deactivate"], &Method::POST) => {
                self.found(id, self.transmitters.set_active(id, false))
            }
            ([_, "lifecycle", "activate" | "deactivate"], _) => Err(ApiError::method_not_allowed("POST")),
            _ => Err(ApiError::not_found(&request.path)),
        }
    }

    async fn create(&self, request: &Received) -> Result<Answer, ApiError> {
        let draft = Draft::read(request)?;
        let origin = self.origin(draft.settings).await?;
        let id = random::identifier("sse").map_err(|_| ApiError::internal())?;
        let new = self.transmitters.add(id, draft.name, draft.kind, origin).map_err(taken)?;
        Ok(Answer::json(StatusCode::OK, &self.shown(&new)))
    }

    async fn replace(&self, id: &str, request: &Received) -> Result<Answer, ApiError> {
        if self.transmitters.get(id).is_none() {
            return Err(ApiError::not_found(id));
        }
        let draft = Draft::read(request)?;
        let origin = self.origin(draft.settings).await?;
        let replaced = self.transmitters.replace(id, draft.name, draft.kind, origin).map_err(taken)?;
        self.found(id, replaced)
    }

    /// Issuer and keys; of settings by configuration, what that document says now.
    async fn origin(&self, settings: Settings) -> Result<Origin, ApiError> {
        let url = match settings {
            Settings::Issuer { issuer, jwks_url } => {
                return Ok(Origin { well_known_url: None, issuer, jwks_url });
            }
            Settings::WellKnown(url) => url,
        };
        let wrong = |cause: &str| ApiError::validation([format!("settings.well_known_url: {cause}")]);
        let found = self.documents.configuration(&url).await.map_err(|cause| wrong(&cause))?;
        let issuer = found.issuer.filter(|issuer| !issuer.is_empty());
        let issuer = issuer.ok_or_else(|| wrong("The configuration document has no issuer"))?;
        let jwks_url = found.jwks_uri.ok_or_else(|| wrong("The configuration document has no jwks_uri"))?;
        Ok(Origin { well_known_url: Some(url), issuer, jwks_url })
    }

    fn found(&self, id: &str, found: Option<Registered>) -> Result<Answer, ApiError> {
        let found = found.ok_or_else(|| ApiError::not_found(id))?;
        Ok(Answer::json(StatusCode::OK, &self.shown(&found)))
    }

    fn shown(&self, one: &Registered) -> Value {
        let href = format!("{}{}/{}", self.base_url, self.path, one.id);
        let (status, other) = if one.is_active { ("ACTIVE", "deactivate") } else { ("INACTIVE", "activate") };
        let mut settings = json!({ "issuer": one.origin.issuer, "jwks_url": one.origin.jwks_url });
        if let Some(url) = &one.origin.well_known_url {
            settings["well_known_url"] = url.as_str().into();
        }
        json!({
            "id": one.id,
            "name": one.name,
            "type": one.kind,
            "status": status,
            "settings": settings,
            "_links": {
                "self": { "href": href, "hints": { "allow": ["GET", "PUT", "DELETE"] } },
                other: { "href": format!("{href}/lifecycle/{other}"), "hints": { "allow": ["POST"] } },
            },
        })
    }
}

/// What Okta answers to a second provider with the same issuer is not documented.
fn taken(_: Taken) -> ApiError {
    ApiError::conflict("settings.issuer: another provider has this issuer")
}
