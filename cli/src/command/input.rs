//! What commands read: keys, passwords, texts.

use std::{env, ffi::OsString, fs, io::Read as _};

use ssf_transmitter::{Algorithm, KeySource, SigningKey, config::Config};
use zeroize::Zeroizing;

use super::{Failure, Result};

/// The variable that holds the password of an encrypted key: a command line is visible to others.
const PASSWORD: &str = "SSF_KEY_PASSWORD";

/// Which key of a source it is, and how it signs.
#[derive(clap::Args)]
pub(super) struct KeyOptions {
    /// The `kid` of the key: selects it from a JWKS, and names any other key
    #[arg(long, hide_short_help = true)]
    kid: Option<String>,
    /// The algorithm to sign with, if the key supports several, such as PS256
    #[arg(long, value_name = "ALG", hide_short_help = true)]
    algorithm: Option<Algorithm>,
}

impl KeyOptions {
    pub(super) fn read(&self, text: &OsString) -> Result<SigningKey> {
        Ok(source(text, self.kid.as_deref(), self.algorithm)?.read()?)
    }

    /// The key of a file of settings; an option replaces what the file says.
    pub(super) fn read_from(&self, config: &Config) -> Result<SigningKey> {
        let mut source = config.key_source()?;
        if let Some(kid) = &self.kid {
            source = source.kid(kid);
        }
        if let Some(algorithm) = self.algorithm {
            source = source.algorithm(algorithm);
        }
        Ok(source.read()?)
    }
}

/// The private key that signs.
#[derive(clap::Args)]
pub(super) struct Key {
    /// Your private key: a file or another source
    ///
    /// In PEM, DER, or as JWK or JWKS: a file, `env:NAME`, `dir:PATH`, `cmd:PROGRAM ARG…` (its output), or `-` (standard input). The
    /// variable `SSF_KEY_PASSWORD` decrypts an encrypted one.
    // What starts with a hyphen may be a key in PEM, given by mistake: clap would print it.
    #[arg(long = "key", value_name = "SOURCE", allow_hyphen_values = true)]
    source: OsString,
    #[command(flatten)]
    options: KeyOptions,
}

impl Key {
    pub(super) fn read(&self) -> Result<SigningKey> {
        self.options.read(&self.source)
    }
}

/// The private keys whose public halves are published.
#[derive(clap::Args)]
pub(super) struct Keys {
    /// Private keys: a file, `env:NAME`, `dir:PATH` (all keys in it), `cmd:PROGRAM ARG…` (its output), or `-` (standard input);
    /// repeatable
    // What starts with a hyphen may be a key in PEM, given by mistake: clap would print it.
    #[arg(long = "key", value_name = "SOURCE", allow_hyphen_values = true)]
    sources: Vec<OsString>,
    /// The `kid` of the key: selects it from a JWKS, and names any other key; once for each --key, in their order
    #[arg(long = "kid", value_name = "KID")]
    kids: Vec<String>,
    /// The algorithm to publish the key for, if it supports several, such as PS256
    #[arg(long, value_name = "ALG")]
    algorithm: Option<Algorithm>,
}

impl Keys {
    pub(super) fn read(&self) -> Result<Vec<SigningKey>> {
        if !self.kids.is_empty() && self.kids.len() != self.sources.len() {
            return Err(Failure::usage("pass --kid once for each --key, or not at all"));
        }
        let mut kids = self.kids.iter();
        let mut keys = Vec::new();
        for text in &self.sources {
            let source = source(text, kids.next().map(String::as_str), self.algorithm)?;
            keys.extend(source.read_all()?);
        }
        Ok(keys)
    }
}

/// The password of an encrypted key, if there is one.
pub(super) fn password() -> Option<Zeroizing<String>> {
    env::var(PASSWORD).ok().map(Zeroizing::new)
}

/// Reads one private key from a source.
pub(super) fn key(text: &OsString, kid: Option<&str>) -> Result<SigningKey> {
    Ok(source(text, kid, None)?.read()?)
}

/// A source with its options. A path need not be UTF-8.
pub(super) fn source(text: &OsString, kid: Option<&str>, algorithm: Option<Algorithm>) -> Result<KeySource> {
    let mut source = match text.to_str() {
        Some(text) => KeySource::parse(text)?,
        None => KeySource::file(text),
    };
    if let Some(kid) = kid {
        source = source.kid(kid);
    }
    if let Some(algorithm) = algorithm {
        source = source.algorithm(algorithm);
    }
    if let Ok(password) = env::var(PASSWORD) {
        source = source.password(password);
    }
    Ok(source)
}

/// A text as it is given, of the file named after `@`, or of standard input for `-`.
pub(super) fn text(argument: &str) -> Result<String> {
    if argument == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    match argument.strip_prefix('@') {
        Some(path) => fs::read_to_string(path).map_err(|error| Failure::file(path, &error)),
        None => Ok(argument.to_owned()),
    }
}

/// Why a file of settings cannot be read, with the line. Other messages than these contain the value, which may be a secret; `otherwise` is said
/// in their place.
pub(super) fn toml_failure(text: &str, error: &toml::de::Error, otherwise: &str) -> Failure {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    let harmless = ["unknown field", "missing field", "duplicate key"];
    let known = harmless.iter().any(|start| error.message().starts_with(start));
    Failure::from(format!("line {line}: {}", if known { error.message() } else { otherwise }))
}
