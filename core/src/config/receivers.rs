//! The receivers that a file describes.

use std::{collections::HashMap, fmt, path::Path};

use super::{Config, settings::ReceiverSettings, source, source::invalid};
use crate::{
    client::{Receiver, ReceiverBuilder},
    dialect::Dialect,
    error::{Result, pointer_step},
    key::{FetchedKeys, KeySource},
    near,
    secret::Secret,
    token::{Authorization, ClientAuthentication, ClientCredentials},
};

impl Config {
    /// The names of the receivers, in alphabetical order.
    pub fn receiver_names(&self) -> impl Iterator<Item = &str> {
        self.settings.receivers.keys().map(String::as_str)
    }

    /// The receiver with this name. Its secrets are read. Keep it: it holds what its deliveries share, such as an access
    /// token.
    ///
    /// Errors: `configuration_invalid` if there is no such receiver, or a secret cannot be read, and those of
    /// [`ReceiverBuilder::build`].
    ///
    /// ```
    /// use ssf_transmitter::config::Config;
    ///
    /// let config = Config::from_toml("[receivers.acme]\nokta = 'https://acme.okta.com'")?;
    /// let error = config.receiver("Acme").unwrap_err();
    /// assert_eq!(error.message(), "there is no receiver Acme; did you mean acme?");
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn receiver(&self, name: &str) -> Result<Receiver> {
        self.build(name, self.receiver_builder(name)?)
    }

    /// Builds a receiver of the file, whose errors have their place in it.
    pub fn build(&self, name: &str, builder: ReceiverBuilder) -> Result<Receiver> {
        self.placed(&pointer(name), builder.build())
    }

    /// What the file says of the receiver with this name, to set more of it before it is [built](Self::build).
    pub fn receiver_builder(&self, name: &str) -> Result<ReceiverBuilder> {
        self.fetch_receiver(name)?.builder()
    }

    /// Reads the secrets of a receiver where they are, without any cryptography: for hosts that do the two in different
    /// places. It blocks.
    pub fn fetch_receiver(&self, name: &str) -> Result<FetchedReceiver<'_>> {
        let Some(settings) = self.settings.receivers.get(name) else {
            let hint = match self.receiver_names().next() {
                Some(_) => near::suggestion(name, self.receiver_names().collect::<Vec<_>>()),
                None => "; the file has none".to_owned(),
            };
            let error = invalid(&format!("there is no receiver {}{hint}", crate::finding::printable(name)));
            return Err(self.places.at_line(None, error));
        };
        Named { config: self, pointer: pointer(name), settings }.fetch()
    }

    /// The URL of the Okta org that this receiver is, if it is one.
    pub fn okta_org(&self, name: &str) -> Option<&str> {
        self.settings.receivers.get(name)?.okta.as_deref()
    }

    /// All receivers by name, for a worker of the outbox.
    pub fn receivers(&self) -> Result<HashMap<String, Receiver>> {
        self.receiver_names().map(|name| Ok((name.to_owned(), self.receiver(name)?))).collect()
    }
}

fn pointer(name: &str) -> String {
    format!("/receivers{}", pointer_step(name))
}

/// A receiver of the file, whose secrets are read.
pub struct FetchedReceiver<'a> {
    named: Named<'a>,
    /// All but the client credentials.
    builder: ReceiverBuilder,
    proof: Option<Proof>,
}

/// How a client names itself at its token endpoint.
enum Proof {
    Secret(Secret<String>),
    Key(FetchedKeys),
    Certificate,
}

impl fmt::Debug for FetchedReceiver<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FetchedReceiver")
            .field("pointer", &self.named.pointer)
            .finish_non_exhaustive()
    }
}

impl FetchedReceiver<'_> {
    /// The other half: what the file says of it, to set more before it is [built](Config::build).
    pub fn builder(self) -> Result<ReceiverBuilder> {
        let Self { named, builder, proof } = self;
        match proof {
            Some(proof) => Ok(builder.client_credentials(named.credentials(proof)?)),
            None => Ok(builder),
        }
    }
}

/// A receiver of the file.
struct Named<'a> {
    config: &'a Config,
    pointer: String,
    settings: &'a ReceiverSettings,
}

impl<'a> Named<'a> {
    fn fetch(self) -> Result<FetchedReceiver<'a>> {
        let settings = self.settings;
        let mut builder = match (&settings.okta, &settings.endpoint, settings.audience.clone()) {
            (Some(org), _, None) => Receiver::okta(org),
            (Some(org), _, Some(audience)) => Receiver::okta(org).audience(audience),
            (None, Some(endpoint), Some(audience)) => {
                Receiver::builder(self.url("endpoint", endpoint)?, audience)
            }
            // The text was checked.
            (None, ..) => {
                return Err(self.config.places.place(&self.pointer, invalid("set either okta or endpoint")));
            }
        };
        if let Some(name) = &settings.dialect {
            builder = builder.dialect(&self.placed("dialect", dialect(name, &self.config.folder))?);
        }
        if let Some(unit) = &settings.time_unit {
            builder = builder.time_unit(self.placed("time_unit", unit.parse())?);
        }
        if let Some(shape) = &settings.subject_shape {
            builder = builder.subject_shape(self.placed("subject_shape", shape.parse())?);
        }
        if let Some(token) = &settings.bearer {
            builder = builder.bearer(self.placed("bearer", source::read(token, &self.config.folder))?);
        }
        if let Some(value) = &settings.authorization {
            let value = self.placed("authorization", source::read(value, &self.config.folder))?;
            builder = builder.authorization(Authorization::Header(value));
        }
        if let Some(deliveries) = settings.concurrency {
            builder = builder.concurrency(deliveries);
        }
        if let Some(rate) = settings.rate_limit {
            builder = builder.rate_limit(rate);
        }
        let builder = if settings.allow_loopback { builder.allow_loopback() } else { builder };
        let proof = settings.token_url.is_some().then(|| self.proof()).transpose()?;
        Ok(FetchedReceiver { named: self, builder, proof })
    }

    fn proof(&self) -> Result<Proof> {
        let settings = self.settings;
        match settings.token_auth.as_deref() {
            Some("private-key-jwt") => {
                let source = KeySource::parse(settings.token_key.as_deref().unwrap_or_default());
                let key = source.and_then(|source| source.below(&self.config.folder).fetch());
                Ok(Proof::Key(self.placed("token_key", key)?))
            }
            Some("mtls") => Ok(Proof::Certificate),
            _ => {
                let secret = settings.client_secret.as_deref().unwrap_or_default();
                let secret = source::read(secret, &self.config.folder);
                Ok(Proof::Secret(self.placed("client_secret", secret)?))
            }
        }
    }

    fn credentials(&self, proof: Proof) -> Result<ClientCredentials> {
        let settings = self.settings;
        let text = |setting: &'a Option<String>| setting.as_deref().unwrap_or_default();
        let (url, id) = (text(&settings.token_url), text(&settings.client_id));
        let credentials = match proof {
            Proof::Key(fetched) => {
                ClientCredentials::with_key(url, id, self.placed("token_key", fetched.key())?)
            }
            Proof::Certificate => ClientCredentials::with_certificate(url, id),
            Proof::Secret(secret) => {
                let credentials = ClientCredentials::new(url, id, secret);
                match settings.token_auth.as_deref() {
                    Some("post") => credentials.authentication(ClientAuthentication::Body),
                    _ => credentials,
                }
            }
        };
        let credentials = match &settings.scope {
            Some(scope) => credentials.scope(scope),
            None => credentials,
        };
        let parameters = settings.token_parameters.iter();
        Ok(parameters.fold(credentials, |credentials, (name, value)| credentials.parameter(name, value)))
    }

    fn url(&self, key: &str, text: &str) -> Result<String> {
        Ok(self.placed(key, source::url(text, &self.config.folder))?.expose().clone())
    }

    fn placed<T>(&self, key: &str, result: Result<T>) -> Result<T> {
        self.config.placed(&format!("{}/{key}", self.pointer), result)
    }
}

/// A built-in dialect, or one in a file.
fn dialect(name: &str, folder: &Path) -> Result<Dialect> {
    if Path::new(name).extension().is_none_or(|extension| extension != "toml") {
        return Dialect::built_in(name);
    }
    let text = source::file(name, folder)?;
    let text = String::from_utf8(text).map_err(|_| invalid(&format!("{name}: the file is not UTF-8")))?;
    Dialect::from_toml(&text).map_err(|error| error.prefixed(name))
}
