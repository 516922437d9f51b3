//! What commands read: keys, passwords, texts.

use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use ssf_transmitter::{Algorithm, SigningKey};
use zeroize::Zeroizing;

use super::{Failure, Result};

/// The variable that holds the password of an encrypted key: a command line is visible to others.
const PASSWORD: &str = "SSF_KEY_PASSWORD";

/// The private key that signs.
#[derive(clap::Args)]
pub(super) struct Key {
    /// Your private key: PEM, DER, JWK or JWKS. The variable `SSF_KEY_PASSWORD` opens an encrypted one
    #[arg(long = "key", value_name = "FILE")]
    file: PathBuf,
    /// The `kid` of the key: chooses it from a JWKS, and names any other key
    #[arg(long)]
    kid: Option<String>,
    /// The algorithm to sign with, where the key can do several, such as PS256
    #[arg(long, value_name = "ALG")]
    algorithm: Option<Algorithm>,
}

impl Key {
    pub(super) fn read(&self) -> Result<SigningKey> {
        let key = key(&self.file, self.kid.as_deref())?;
        Ok(match self.algorithm {
            Some(algorithm) => key.with_algorithm(algorithm)?,
            None => key,
        })
    }
}

/// The private keys whose public halves are published.
#[derive(clap::Args)]
pub(super) struct Keys {
    /// A private key: PEM, DER, JWK or JWKS; repeatable
    #[arg(long = "key", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The `kid` of the key: chooses it from a JWKS, and names any other key; once for each --key, in their order
    #[arg(long = "kid", value_name = "KID")]
    kids: Vec<String>,
    /// The algorithm that the key is published for, where it can do several, such as PS256
    #[arg(long, value_name = "ALG")]
    algorithm: Option<Algorithm>,
}

impl Keys {
    pub(super) fn read(&self) -> Result<Vec<SigningKey>> {
        if !self.kids.is_empty() && self.kids.len() != self.files.len() {
            return Err(Failure::usage("give --kid once for each --key, or not at all"));
        }
        let mut kids = self.kids.iter();
        let mut read = |file| {
            let key = key(file, kids.next().map(String::as_str))?;
            Ok(match self.algorithm {
                Some(algorithm) => key.with_algorithm(algorithm)?,
                None => key,
            })
        };
        self.files.iter().map(|file| read(file)).collect()
    }
}

/// Reads a private key from a file: PEM, DER, a JWK or a JWK Set.
pub(super) fn key(path: &Path, kid: Option<&str>) -> Result<SigningKey> {
    let bytes = Zeroizing::new(fs::read(path).map_err(|error| Failure::file(path, &error))?);
    let password = env::var(PASSWORD).ok().map(Zeroizing::new);
    let named = |key: SigningKey| match kid {
        Some(kid) => key.with_kid(kid),
        None => Ok(key),
    };
    let parsed = match (form(&bytes), &password) {
        (Form::Json(json), _) => match kid {
            Some(kid) => SigningKey::from_jwks(json, kid),
            None => SigningKey::from_jwk(json),
        },
        (Form::Der, None) => SigningKey::from_der(&*bytes).and_then(named),
        (Form::Der, Some(password)) => SigningKey::from_encrypted_der(&*bytes, password).and_then(named),
        (Form::Pem, None) => SigningKey::from_pem(&*bytes).and_then(named),
        (Form::Pem, Some(password)) => SigningKey::from_encrypted_pem(&*bytes, password).and_then(named),
    };
    parsed.map_err(|error| Failure::from(error).in_place(path.display()))
}

enum Form<'a> {
    Json(&'a str),
    Der,
    Pem,
}

/// What a file holds. Everything that is neither JSON nor DER is read as PEM, which says what it is instead.
fn form(bytes: &[u8]) -> Form<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') => Form::Json(text),
        // A SEQUENCE (X.690 §8.9).
        Err(_) if bytes.first() == Some(&0x30) => Form::Der,
        _ => Form::Pem,
    }
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
