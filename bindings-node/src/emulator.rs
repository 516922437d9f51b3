//! The receiver emulator, in this process.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use napi_derive::napi;
use ssf_emulator::{self as receiver, ApiTokens, Client, Config, KeySource, Like, Published, Script};
use ssf_transmitter::ErrorCode;

use crate::{
    failure::{Failure, Outcome, Result, outcome},
    key::jwks,
    mailbox::Mailbox,
    policy::milliseconds,
};

/// The settings of an emulator.
#[napi(object, object_to_js = false)]
pub struct EmulatorSettings {
    pub like: String,
    pub audience: String,
    /// The transmitter whose SETs it takes, with its keys as JSON or the URL of its JWKS.
    pub issuer: Option<String>,
    pub jwks: Option<String>,
    pub jwks_uri: Option<String>,
    pub users: Vec<String>,
    /// Id and secret.
    pub client: Option<Vec<String>>,
    pub api_token: Option<String>,
    pub token_lifetime: Option<f64>,
    pub script: Option<String>,
    pub tls: bool,
    pub ledger_size: Option<u32>,
    pub log_delay: Option<f64>,
    pub log_page: Option<u32>,
    pub log_jti: bool,
}

/// The receivers, by the names that the command line has for them.
const LIKE: &[Like] = &[Like::Okta, Like::GovUkOneLogin, Like::Rfc8935];

/// A receiver on the loopback interface that judges SETs as a known one does.
#[napi]
pub struct Emulator {
    running: Mutex<Option<Running>>,
    base_url: String,
    push_url: String,
    token_url: Option<String>,
    ca_pem: Option<String>,
}

struct Running {
    emulator: receiver::Emulator,
    /// The server of the keys, if they were given and are not published elsewhere.
    _published: Option<Published>,
}

#[napi]
impl Emulator {
    #[napi]
    pub fn start(mailbox: &Mailbox, number: u32, settings: EmulatorSettings) -> Outcome<()> {
        mailbox.spawn(number, settings.start())
    }

    #[napi(getter)]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    #[napi(getter)]
    pub fn push_url(&self) -> &str {
        &self.push_url
    }

    #[napi(getter)]
    pub fn token_url(&self) -> Option<&str> {
        self.token_url.as_deref()
    }

    #[napi(getter)]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// What it saw, as JSON.
    #[napi]
    pub fn ledger(&self) -> Outcome<String> {
        outcome(self.with(|emulator| serde_json::to_string(&emulator.ledger()).unwrap_or_default()))
    }

    #[napi]
    pub fn clear(&self) -> Outcome<()> {
        outcome(self.with(receiver::Emulator::clear))
    }

    /// How often each `jti` was accepted.
    #[napi]
    #[allow(clippy::cast_precision_loss, reason = "nobody counts to 2^53")]
    pub fn accepted(&self) -> Outcome<HashMap<String, f64>> {
        outcome(self.with(|emulator| {
            emulator.accepted().into_iter().map(|(jti, times)| (jti, times as f64)).collect()
        }))
    }

    /// Stops it, when requests under way are answered.
    #[napi]
    pub fn stop(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        mailbox.spawn(number, async move {
            if let Some(running) = running {
                running.emulator.stop().await;
            }
            Ok(())
        })
    }
}

impl Emulator {
    fn with<T>(&self, read: impl FnOnce(&receiver::Emulator) -> T) -> Result<T> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let stopped = || refused("the emulator is stopped");
        running.as_ref().map(|running| read(&running.emulator)).ok_or_else(stopped)
    }
}

impl EmulatorSettings {
    async fn start(self) -> Result<Emulator> {
        let Some(like) = LIKE.iter().find(|like| like.name() == self.like) else {
            let names: Vec<_> = LIKE.iter().map(|like| like.name()).collect();
            return Err(refused(format!(
                "there is no emulator of this name; known are {}",
                names.join(", ")
            )));
        };
        let published = match &self.jwks {
            None => None,
            Some(json) => {
                let published = Published::start(jwks(json)?.to_json()).await;
                Some(published.map_err(|error| Failure::internal(error.to_string()))?)
            }
        };
        let uri = published.as_ref().map(|published| published.jwks_uri().to_owned()).or(self.jwks_uri);
        let api = self.api_token.map(ApiTokens::new);
        let mut config = match (self.issuer, uri, &api) {
            (Some(issuer), Some(uri), _) => {
                Config::new(*like, issuer, KeySource::JwksUri(uri), self.audience)
            }
            (None, None, Some(api)) => Config::registering(*like, self.audience, api.clone()),
            _ => return Err(refused("an emulator needs an issuer with its keys, or an API token")),
        };
        config.api = api;
        config.users = self.users;
        if let Some([id, secret]) = self.client.as_deref() {
            config.client = Some(Client { id: id.clone(), secret: secret.clone() });
        }
        if let Some(lifetime) = self.token_lifetime {
            config.token_lifetime = milliseconds(lifetime)?;
        }
        if let Some(script) = &self.script {
            config.script = Script::from_json(script).map_err(|error| refused(error.to_string()))?;
        }
        config.tls = self.tls;
        if let Some(delay) = self.log_delay {
            config.log.delay = milliseconds(delay)?;
        }
        if let Some(entries) = self.log_page {
            config.log.page = entries as usize;
        }
        config.log.shows_jti = self.log_jti;
        if let Some(entries) = self.ledger_size {
            config.ledger_size = entries as usize;
        }
        let emulator = receiver::Emulator::start(config).await.map_err(|error| refused(error.to_string()))?;
        Ok(Emulator {
            base_url: emulator.base_url().to_owned(),
            push_url: emulator.push_url(),
            token_url: emulator.token_url(),
            ca_pem: emulator.ca_pem().map(str::to_owned),
            running: Mutex::new(Some(Running { emulator, _published: published })),
        })
    }
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::of(ErrorCode::ConfigurationInvalid, message)
}
