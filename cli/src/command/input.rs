//! What commands read: keys, passwords, texts.

use std::{env, fs, io::Read as _, path::Path};

use ssf_transmitter::{ErrorCode, SigningKey};
use zeroize::Zeroizing;

use super::Result;

/// The variable that holds the password of an encrypted key: a command line is visible to others.
const PASSWORD: &str = "SSF_KEY_PASSWORD";

/// Reads a private key from a file: PEM, DER, a JWK or a JWK Set.
pub(super) fn key(path: &Path) -> Result<SigningKey> {
    let bytes = Zeroizing::new(fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?);
    let password = env::var(PASSWORD).ok().map(Zeroizing::new);
    let parsed = match (bytes.iter().find(|byte| !byte.is_ascii_whitespace()), &password) {
        (Some(b'{'), _) => SigningKey::from_jwk(std::str::from_utf8(&bytes)?),
        (Some(b'-'), None) => SigningKey::from_pem(&*bytes),
        (Some(b'-'), Some(password)) => SigningKey::from_encrypted_pem(&*bytes, password),
        (_, None) => SigningKey::from_der(&*bytes),
        (_, Some(password)) => SigningKey::from_encrypted_der(&*bytes, password),
    };
    parsed.map_err(|error| {
        let hint = match error.code() {
            ErrorCode::KeyPasswordMissing => format!(" (set {PASSWORD})"),
            _ => String::new(),
        };
        format!("{}: {error}{hint}", path.display()).into()
    })
}

/// A text as it is given, of the file named after `@`, or of standard input for `-`.
pub(super) fn text(argument: &str) -> Result<String> {
    if argument == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    match argument.strip_prefix('@') {
        Some(path) => fs::read_to_string(path).map_err(|error| format!("{path}: {error}").into()),
        None => Ok(argument.to_owned()),
    }
}
