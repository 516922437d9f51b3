//! Private keys, and the places where they are kept.

use std::{path::PathBuf, time::Duration};

use ssf_transmitter::{KeySource, Result, SigningKey, key::KeyOptions};

use crate::set;

/// Reads a private key in PEM, encrypted if there is a password.
pub fn from_pem(pem: impl AsRef<[u8]>, password: Option<&str>) -> Result<SigningKey> {
    match password {
        None => SigningKey::from_pem(pem),
        Some(password) => SigningKey::from_encrypted_pem(pem, password),
    }
}

/// Reads a private key in DER, encrypted if there is a password.
pub fn from_der(der: impl AsRef<[u8]>, password: Option<&str>) -> Result<SigningKey> {
    match password {
        None => SigningKey::from_der(der),
        Some(password) => SigningKey::from_encrypted_der(der, password),
    }
}

/// Reads a private JWK, or the key `kid` of a private JWK Set.
pub fn from_jwk(json: &str, kid: Option<&str>) -> Result<SigningKey> {
    match kid {
        None => SigningKey::from_jwk(json),
        Some(kid) => SigningKey::from_jwks(json, kid),
    }
}

/// Options for reading a key of any form.
pub fn options(
    kid: Option<String>,
    algorithm: Option<String>,
    password: Option<String>,
) -> Result<KeyOptions> {
    let options = set(KeyOptions::new(), kid, KeyOptions::kid);
    let algorithm = algorithm.map(|algorithm| algorithm.parse()).transpose()?;
    Ok(set(set(options, algorithm, KeyOptions::algorithm), password, KeyOptions::password))
}

/// A source by its text or by the path of a file, with options and a time limit for commands.
pub fn source(
    text: Option<&str>,
    path: Option<String>,
    options: KeyOptions,
    time_limit: Option<Duration>,
) -> Result<KeySource> {
    let source = match path {
        Some(path) => KeySource::file(PathBuf::from(path)),
        None => KeySource::parse(text.unwrap_or_default())?,
    };
    Ok(set(source, time_limit, KeySource::time_limit).options(options))
}
