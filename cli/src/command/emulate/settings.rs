//! The settings of `ssf emulate`, as JSON.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use ssf_emulator::{ApiTokens, Client, Config, KeySource, Like, LogSettings, Script};

/// What is not named has the default that `ssf receiver` has for it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    like: String,
    audience: String,
    issuer: Option<String>,
    /// One of these three says where the keys of the issuer are.
    jwks: Option<Value>,
    jwks_uri: Option<String>,
    well_known: Option<String>,
    #[serde(default)]
    users: Vec<String>,
    client: Option<Credentials>,
    /// In seconds.
    token_lifetime: Option<f64>,
    api_token: Option<String>,
    api_read_token: Option<String>,
    #[serde(default)]
    log: Log,
    script: Option<Value>,
    #[serde(default)]
    tls: bool,
    ledger_size: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    id: String,
    secret: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    /// In seconds.
    delay: Option<f64>,
    page: Option<usize>,
    #[serde(default)]
    jti: bool,
}

impl TryFrom<Settings> for Config {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let like = Like::named(&settings.like).ok_or_else(|| {
            let names: Vec<_> = Like::ALL.iter().map(|like| like.name()).collect();
            format!("like: no such receiver; known are {}", names.join(", "))
        })?;
        let keys = [
            settings.jwks.map(|jwks| KeySource::Jwks(jwks.to_string())),
            settings.jwks_uri.map(KeySource::JwksUri),
            settings.well_known.map(KeySource::WellKnown),
        ];
        let mut keys = keys.into_iter().flatten();
        let (first, second) = (keys.next(), keys.next());
        if second.is_some() {
            return Err("keys: one of jwks, jwks_uri and well_known is enough".to_owned());
        }
        let api = settings.api_token.map(|manage| {
            let mut tokens = ApiTokens::new(manage);
            tokens.read = settings.api_read_token;
            tokens
        });
        let mut config = match (settings.issuer, first, &api) {
            (Some(issuer), Some(keys), _) => Self::new(like, issuer, keys, settings.audience),
            (None, None, Some(api)) => Self::registering(like, settings.audience, api.clone()),
            _ => return Err("an issuer with its keys, or an API token, is needed".to_owned()),
        };
        config.api = api;
        config.users = settings.users;
        config.client = settings.client.map(|Credentials { id, secret }| Client { id, secret });
        if let Some(lifetime) = settings.token_lifetime {
            config.token_lifetime = seconds("token_lifetime", lifetime)?;
        }
        config.log = settings.log.settings()?;
        if let Some(script) = settings.script {
            config.script = Script::from_json(&script.to_string()).map_err(|error| error.to_string())?;
        }
        config.tls = settings.tls;
        if let Some(size) = settings.ledger_size {
            config.ledger_size = size;
        }
        Ok(config)
    }
}

impl Log {
    fn settings(&self) -> Result<LogSettings, String> {
        let mut settings = LogSettings::default();
        if let Some(delay) = self.delay {
            settings.delay = seconds("log.delay", delay)?;
        }
        if let Some(page) = self.page {
            settings.page = page;
        }
        settings.shows_jti = self.jti;
        Ok(settings)
    }
}

fn seconds(name: &str, seconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("{name}: {error}"))
}
