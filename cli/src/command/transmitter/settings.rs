//! The file with the settings.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;
use ssf_transmitter::{
    KeySet, Network,
    access_token::{TokenHash, TokenProfile, TrustedIssuer},
    client::Authenticator,
    metadata::DefaultSubjects,
    outbox::{Seal, StreamStore},
    stream::{Caller, RateLimit, Stop, StreamApi, Timer},
};

use super::{
    super::{Failure, Result, input, outbox::place},
    seal::Sealing,
};

/// How often the source of the keys is looked at.
const KEYS: Duration = Duration::from_mins(1);

/// What `ssf transmitter` is told. Spans are in seconds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) issuer: String,
    base_url: Option<String>,
    /// Loopback, unless there is a certificate.
    pub(super) listen: SocketAddr,
    pub(super) certificate: Option<PathBuf>,
    pub(super) certificate_key: Option<PathBuf>,
    /// The source of the keys, of which the first one signs.
    key: String,
    pub(super) events: Vec<String>,
    #[serde(default)]
    pub(super) push: bool,
    #[serde(default)]
    allow_networks: Vec<String>,
    #[serde(default)]
    allow_loopback: bool,
    default_subjects: Option<Subjects>,
    #[serde(default)]
    critical_subject_members: Vec<String>,
    max_streams: Option<u32>,
    max_subjects: Option<u32>,
    min_verification_interval: Option<u64>,
    long_poll: Option<u64>,
    lease: Option<u64>,
    max_sets: Option<u32>,
    max_waiting: Option<u64>,
    max_held_age: Option<u64>,
    inactivity_timeout: Option<u64>,
    canary: Option<u64>,
    rate_limit: Option<u32>,
    /// Hashes of the tokens of programs that publish.
    #[serde(default)]
    publishers: Vec<String>,
    #[serde(default)]
    receivers: Vec<StaticReceiver>,
    #[serde(default)]
    issuers: Vec<Issuer>,
    #[serde(default)]
    outbox: Place,
    pub(super) seal: Option<Sealing>,
}

#[derive(Clone, Copy, Deserialize)]
enum Subjects {
    #[serde(rename = "ALL")]
    All,
    #[serde(rename = "NONE")]
    None,
}

/// A receiver with static tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StaticReceiver {
    id: String,
    audience: Option<Audience>,
    scopes: Vec<String>,
    dialect: Option<String>,
    /// Their hashes.
    tokens: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// An authorization server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "a setting is named as the claim is")]
struct Issuer {
    issuer: String,
    profile: Option<String>,
    audience: Option<String>,
    #[serde(default)]
    clients: BTreeMap<String, Client>,
    every_client: Option<Client>,
    scope_names: Option<ScopeNames>,
    metadata_url: Option<String>,
    jwks_uri: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    receiver: String,
    audience: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeNames {
    read: String,
    manage: String,
}

/// Where streams and deliveries are kept: in memory, unless the place is named.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    file: Option<PathBuf>,
    /// As `--database` of `ssf outbox`.
    database: Option<String>,
    schema: Option<String>,
}

impl Settings {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        let settings: Self = toml::from_str(&text).map_err(|error| {
            input::toml_failure(&text, &error, "neither TOML nor a value of the right type")
        })?;
        if settings.certificate.is_some() != settings.certificate_key.is_some() {
            return Err("set certificate and certificate_key together".into());
        }
        let Place { file, database, schema } = &settings.outbox;
        if file.is_some() && database.is_some() || schema.is_some() && database.is_none() {
            return Err("an outbox has a file, or a database and perhaps a schema".into());
        }
        if settings.certificate.is_none() && !settings.listen.ip().is_loopback() {
            return Err(
                "without a certificate, listen is a loopback address: tokens are not sent in clear".into()
            );
        }
        Ok(settings)
    }

    /// Where streams and deliveries are kept; `None` is the memory.
    pub(super) fn place(&self) -> Option<place::Place> {
        let Place { file, database, schema } = self.outbox.clone();
        (file.is_some() || database.is_some())
            .then(|| place::Place::new(file, database, schema.unwrap_or_else(|| place::SCHEMA.to_owned())))
    }

    pub(super) fn keys(&self) -> Result<KeySet> {
        Ok(KeySet::watch(&input::source(&OsString::from(&self.key), None, None)?, KEYS)?)
    }

    /// How connections leave this machine.
    pub(super) fn network(&self) -> Network {
        self.allow_networks.iter().cloned().fold(Network::new(), Network::allow_network)
    }

    pub(super) fn publishers(&self) -> Result<Vec<TokenHash>> {
        self.publishers.iter().map(|hash| Ok(hash.parse()?)).collect()
    }

    pub(super) fn api(
        &self,
        keys: KeySet,
        store: impl StreamStore + 'static,
        seal: Option<Seal>,
        timer: impl Timer + 'static,
    ) -> Result<StreamApi> {
        let long_poll = Duration::from_secs(self.long_poll.unwrap_or(25));
        let mut api = StreamApi::builder(&self.issuer, keys, store)
            .events(self.events.iter().map(String::as_str))
            .critical_subject_members(&self.critical_subject_members)
            .long_poll(timer, long_poll)
            .authenticator(self.authenticator()?);
        if let Some(seal) = seal {
            api = api.seal(seal);
        }
        if let Some(url) = &self.base_url {
            api = api.base_url(url);
        }
        if let Some(Subjects::None) = self.default_subjects {
            api = api.default_subjects(DefaultSubjects::None);
        }
        if let Some(streams) = self.max_streams {
            api = api.max_streams(streams);
        }
        if let Some(subjects) = self.max_subjects {
            api = api.max_subjects(subjects);
        }
        if let Some(seconds) = self.min_verification_interval {
            api = api.min_verification_interval(Some(Duration::from_secs(seconds)));
        }
        if let Some(seconds) = self.lease {
            api = api.lease(Duration::from_secs(seconds));
        }
        if let Some(sets) = self.max_sets {
            api = api.max_sets(sets);
        }
        if let Some(events) = self.max_waiting {
            api = api.max_waiting(events);
        }
        if let Some(seconds) = self.max_held_age {
            api = api.max_held_age(Duration::from_secs(seconds));
        }
        if let Some(seconds) = self.inactivity_timeout {
            api = api.inactivity_timeout(Duration::from_secs(seconds), Stop::Pause);
        }
        if let Some(seconds) = self.canary {
            api = api.canary(Duration::from_secs(seconds));
        }
        if let Some(limit) = self.rate_limit {
            api = api.rate_limit(Some(limit).filter(|limit| *limit > 0).map(RateLimit::per_second));
        }
        if self.push {
            let network = self.network();
            api = api.push(move |url| network.check_endpoint(url));
        }
        let api = if self.allow_loopback { api.allow_loopback_http() } else { api };
        Ok(api.build()?)
    }

    fn authenticator(&self) -> Result<Authenticator> {
        let below = || format!("{}/ssf", self.issuer.trim_end_matches('/'));
        let resource = self.base_url.clone().unwrap_or_else(below);
        let mut builder = Authenticator::builder(resource).network(self.network());
        for receiver in &self.receivers {
            for hash in &receiver.tokens {
                builder = builder.static_token(hash.parse()?, receiver.caller());
            }
        }
        for issuer in &self.issuers {
            builder = builder.issuer(issuer.trusted()?);
        }
        let builder = if self.allow_loopback { builder.allow_loopback() } else { builder };
        Ok(builder.build()?)
    }
}

impl StaticReceiver {
    fn caller(&self) -> Caller {
        let caller = Caller::new(&self.id).scopes(self.scopes.iter().map(String::as_str));
        let caller = match &self.dialect {
            Some(dialect) => caller.dialect(dialect),
            None => caller,
        };
        match self.audience.clone() {
            None => caller,
            Some(Audience::One(audience)) => caller.audience(audience),
            Some(Audience::Several(audience)) => caller.audience(audience),
        }
    }
}

impl Issuer {
    fn trusted(&self) -> Result<TrustedIssuer> {
        let profile = TokenProfile::built_in(self.profile.as_deref().unwrap_or("rfc9068"))?;
        let mut issuer = TrustedIssuer::with_profile(&self.issuer, profile);
        for (id, Client { receiver, audience }) in &self.clients {
            issuer = issuer.client(id, receiver, audience);
        }
        if let Some(Client { receiver, audience }) = &self.every_client {
            issuer = issuer.every_client(receiver, audience);
        }
        if let Some(audience) = &self.audience {
            issuer = issuer.audience(audience);
        }
        if let Some(ScopeNames { read, manage }) = &self.scope_names {
            issuer = issuer.scope_names(read, manage);
        }
        if let Some(url) = &self.metadata_url {
            issuer = issuer.metadata_url(url);
        }
        Ok(match &self.jwks_uri {
            Some(url) => issuer.jwks_uri(url),
            None => issuer,
        })
    }
}
