//! The documents that a transmitter publishes, fetched: its configuration and its JWKS.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use reqwest::Response;
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde_json::Value;

use super::{Error, Result};

/// Fetches documents. Clones share their connections.
#[derive(Clone)]
pub(crate) struct Documents {
    client: reqwest::Client,
}

/// What a transmitter's configuration document says, as far as receivers need it.
pub(crate) struct Configuration {
    pub(crate) issuer: Option<String>,
    pub(crate) jwks_uri: Option<String>,
}

impl Documents {
    /// With TLS settings of its own, so that nothing depends on a provider installed for the whole process.
    pub(crate) fn new() -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(rustls::ConfigBuilder::with_platform_verifier)
            .map_err(Error::client)?
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            // The transmitter under test stands next to the emulator.
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(Error::client)?;
        Ok(Self { client })
    }

    /// The configuration document at this URL (SSF §7.2).
    pub(crate) async fn configuration(&self, url: &str) -> Result<Configuration, String> {
        let document = json(self.get(url).await?).await?;
        let text = |name| document.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Configuration { issuer: text("issuer"), jwks_uri: text("jwks_uri") })
    }

    /// The keys in the JWKS at this URL, which has to be of one of these media types.
    pub(crate) async fn keys(&self, url: &str, media_types: &[&str]) -> Result<Vec<Value>, String> {
        let response = self.get(url).await?;
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !media_type.is_some_and(|value| media_types.iter().any(|known| is_media_type(value, known))) {
            return Err(format!("The Content-Type of the JWKS has to be one of {}", media_types.join(", ")));
        }
        keys_of(json(response).await?)
    }

    async fn get(&self, url: &str) -> Result<Response, String> {
        let response = self.client.get(url).header("Accept", "application/json").send().await;
        let response = response.map_err(|error| format!("{url} cannot be read: {error}"))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("{url} answers {}", response.status()));
        }
        Ok(response)
    }
}

/// The keys in a JWKS.
pub(crate) fn keys_in(document: &str) -> Result<Vec<Value>, String> {
    keys_of(serde_json::from_str(document).map_err(|error| format!("The JWKS cannot be read: {error}"))?)
}

fn keys_of(mut jwks: Value) -> Result<Vec<Value>, String> {
    match jwks.get_mut("keys").map(Value::take) {
        Some(Value::Array(keys)) => Ok(keys),
        _ => Err("The JWKS has no array keys".to_owned()),
    }
}

async fn json(response: Response) -> Result<Value, String> {
    let url = response.url().clone();
    let unreadable = |error: &dyn fmt::Display| format!("{url} cannot be read: {error}");
    let bytes = response.bytes().await.map_err(|error| unreadable(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))
}

/// Whether a `Content-Type` is of this media type, parameters aside.
pub(crate) fn is_media_type(value: &str, media_type: &str) -> bool {
    value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}
