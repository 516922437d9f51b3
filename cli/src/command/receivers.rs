//! A file with receivers by name, for commands that send to several.

use std::{
    collections::HashMap,
    fs, io,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use clap::ValueEnum as _;
use serde::Deserialize;
use ssf_transmitter::{Error, ErrorCode, Receiver, client::Receivers, key::BoxFuture};

use super::{
    Failure, Result,
    addressee::Addressee,
    input, output,
    route::{Access, TokenAuth},
};

/// The receivers of a file. They are read again when the file changes, so that a worker need not be restarted.
pub(super) struct ReceiversFile {
    path: PathBuf,
    has_certificate: bool,
    allow_loopback: bool,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// The file that was read.
    version: Option<(SystemTime, u64)>,
    settings: HashMap<String, Settings>,
    /// Those that were built. Each keeps its connections and its token.
    receivers: HashMap<String, Receiver>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    receivers: HashMap<String, Settings>,
}

/// What a receiver can be given: the options of `ssf emit`.
#[derive(Clone, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
struct Settings {
    okta: Option<String>,
    endpoint: Option<String>,
    audience: Option<String>,
    dialect: Option<String>,
    time_unit: Option<String>,
    subject_shape: Option<String>,
    token_url: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    scope: Option<String>,
    token_auth: Option<String>,
    token_key: Option<String>,
    authorization: Option<String>,
}

impl ReceiversFile {
    /// Reads the file, and builds every receiver in it once, so that mistakes are found at the start.
    pub(super) fn open(path: PathBuf, has_certificate: bool, allow_loopback: bool) -> Result<Self> {
        let file = Self { path, has_certificate, allow_loopback, known: Mutex::default() };
        file.with_known(|known| {
            file.refresh(known)?;
            let mut names: Vec<_> = known.settings.keys().cloned().collect();
            names.sort();
            names.iter().try_for_each(|name| file.build(known, name).map(drop))
        })?;
        Ok(file)
    }

    fn with_known<T>(&self, work: impl FnOnce(&mut Known) -> T) -> T {
        work(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the file if it has changed. Receivers with the same settings stay.
    fn refresh(&self, known: &mut Known) -> Result {
        let version = self.version().map_err(|error| Failure::file(&self.path, &error))?;
        if known.version == Some(version) {
            return Ok(());
        }
        let text = fs::read_to_string(&self.path).map_err(|error| Failure::file(&self.path, &error))?;
        let settings = parse(&text).map_err(|failure| failure.in_place(self.path.display()))?;
        known.receivers.retain(|name, _| settings.get(name) == known.settings.get(name));
        known.settings = settings;
        known.version = Some(version);
        Ok(())
    }

    fn version(&self) -> io::Result<(SystemTime, u64)> {
        let metadata = fs::metadata(&self.path)?;
        Ok((metadata.modified()?, metadata.len()))
    }

    fn build(&self, known: &mut Known, name: &str) -> Result<Option<Receiver>> {
        if let Some(receiver) = known.receivers.get(name) {
            return Ok(Some(receiver.clone()));
        }
        let Some(settings) = known.settings.get(name) else { return Ok(None) };
        let receiver = settings
            .receiver(self.has_certificate, self.allow_loopback)
            .map_err(|failure| failure.in_place(format!("{}: {name}", self.path.display())))?;
        known.receivers.insert(name.to_owned(), receiver.clone());
        Ok(Some(receiver))
    }
}

impl Receivers for ReceiversFile {
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, ssf_transmitter::Result<Option<Receiver>>> {
        let found = self.with_known(|known| {
            // While the file is being edited, the receivers that are known go on.
            if let Err(failure) = self.refresh(known) {
                output::say(&failure.text());
                known.version = self.version().ok();
            }
            self.build(known, name)
        });
        let found = found.map_err(|failure| Error::new(ErrorCode::ConfigurationInvalid, failure.text()));
        Box::pin(std::future::ready(found))
    }

    /// A secret may have changed where it is kept.
    fn forget(&self, name: &str) {
        self.with_known(|known| known.receivers.remove(name));
    }
}

fn parse(text: &str) -> Result<HashMap<String, Settings>> {
    let document: Document = toml::from_str(text)
        .map_err(|error| input::toml_failure(text, &error, "neither TOML nor a string in quotes"))?;
    Ok(document.receivers)
}

impl Settings {
    fn receiver(&self, has_certificate: bool, allow_loopback: bool) -> Result<Receiver> {
        let Self { okta, endpoint, audience, dialect, token_url, client_id, client_secret, scope, .. } =
            self.clone();
        if okta.is_some() && endpoint.is_some() {
            return Err("set okta or endpoint, not both".into());
        }
        if token_url.is_some() != client_id.is_some() {
            return Err("set token_url and client_id together".into());
        }
        let time_unit = self.time_unit.as_deref().map(str::parse).transpose()?;
        let subject_shape = self.subject_shape.as_deref().map(str::parse).transpose()?;
        let to = Addressee { to: None, okta, audience, dialect, time_unit, subject_shape };
        let token_auth = self.token_auth.as_deref().map_or(Ok(TokenAuth::default()), |name| {
            TokenAuth::from_str(name, false)
                .map_err(|_| "token_auth is one of basic, post, private-key-jwt and mtls")
        })?;
        let access = Access {
            endpoint,
            token_url,
            client_id,
            client_secret,
            scope,
            token_auth,
            token_key: self.token_key.clone().map(Into::into),
            authorization: self.authorization.clone(),
        };
        access.receiver(&to, None, None, has_certificate, allow_loopback)
    }
}
