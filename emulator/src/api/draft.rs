//! The body of a request that creates or replaces a provider.

use std::net::IpAddr;

use axum::http::header;
use reqwest::Url;
use serde_json::{Map, Value};

use super::super::documents::is_media_type;
use super::super::ledger::text;
use super::{ApiError, Received};

/// What a provider is to be.
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) settings: Settings,
}

pub(crate) enum Settings {
    WellKnown(String),
    Issuer { issuer: String, jwks_url: String },
}

impl Draft {
    /// Everything that is wrong is a cause. Members that cannot be set, such as `id` and `status`, are not looked at.
    pub(crate) fn read(request: &Received) -> Result<Self, ApiError> {
        let content_type = text(&request.headers, &header::CONTENT_TYPE).unwrap_or_default();
        if !is_media_type(&content_type, "application/json") {
            return Err(ApiError::validation(["Content-Type: has to be application/json"]));
        }
        let body: Map<String, Value> = serde_json::from_slice(&request.body)
            .map_err(|_| ApiError::validation(["body: has to be a JSON object"]))?;
        let mut causes = Vec::new();
        let name = limited(&body, "", "name", 100, &mut causes);
        let kind = limited(&body, "", "type", 255, &mut causes);
        let settings = if let Some(Value::Object(settings)) = body.get("settings") {
            Settings::read(settings, &mut causes)
        } else {
            causes.push("settings: has to be an object".to_owned());
            None
        };
        match (name, kind, settings) {
            (Some(name), Some(kind), Some(settings)) => Ok(Self { name, kind, settings }),
            _ => Err(ApiError::validation(causes)),
        }
    }
}

impl Settings {
    fn read(settings: &Map<String, Value>, causes: &mut Vec<String>) -> Option<Self> {
        let has = |name| settings.get(name).is_some_and(|value: &Value| !value.is_null());
        // The description of the API shows one way or the other. What Okta makes of both is not documented; a sender that
        // gives back what it read finds out here.
        match (has("well_known_url"), has("issuer") || has("jwks_url")) {
            (true, false) => url(settings, "well_known_url", causes).map(Self::WellKnown),
            (false, true) => {
                let issuer = limited(settings, "settings.", "issuer", 700, causes);
                let jwks_url = url(settings, "jwks_url", causes);
                Some(Self::Issuer { issuer: issuer?, jwks_url: jwks_url? })
            }
            _ => {
                causes.push("settings: either well_known_url, or issuer and jwks_url".to_owned());
                None
            }
        }
    }
}

fn limited(
    object: &Map<String, Value>,
    place: &str,
    name: &str,
    most: usize,
    causes: &mut Vec<String>,
) -> Option<String> {
    let text = object.get(name).and_then(Value::as_str);
    let fits = text.filter(|text| (1..=most).contains(&text.chars().count()));
    if fits.is_none() {
        causes.push(format!("{place}{name}: has to be a string of 1 to {most} characters"));
    }
    fits.map(str::to_owned)
}

fn url(settings: &Map<String, Value>, name: &str, causes: &mut Vec<String>) -> Option<String> {
    let text = limited(settings, "settings.", name, 1000, causes)?;
    let is_good = Url::parse(&text).is_ok_and(|url| match url.scheme() {
        "https" => true,
        // The transmitter under test stands next to the emulator.
        "http" => is_loopback(&url),
        _ => false,
    });
    if !is_good {
        causes.push(format!("settings.{name}: has to be an https URL"));
    }
    is_good.then_some(text)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
