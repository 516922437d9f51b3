//! `ssf key new`: generates a key.

use std::path::PathBuf;

use serde_json::json;
use ssf_transmitter::{KeyType, SigningKey};

use super::{Kind, Readers, form::Form, write};
use crate::command::{Result, output};

/// Generate a private signing key
///
/// Writes the key to a new file that only you can read, and prints its `kid`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The key type; most receivers accept RSA
    #[arg(long = "type", value_enum, default_value_t = Kind::Rsa2048)]
    kind: Kind,
    /// The format: PKCS#8 in PEM, or a JWK with the public and private key
    #[arg(long, value_enum, default_value_t = NewForm::Pem)]
    format: NewForm,
    /// The `kid` of a JWK; the thumbprint of the key without it (RFC 7638)
    #[arg(long)]
    kid: Option<String>,
    /// The file to write; it must not exist yet
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum NewForm {
    Pem,
    Jwk,
}

pub(super) fn run(arguments: Arguments, as_json: bool) -> Result {
    let Arguments { kind, format, kid, out } = arguments;
    let kind = KeyType::from(kind);
    let mut key = SigningKey::generate(kind)?;
    if let Some(kid) = kid {
        key = key.with_kid(kid)?;
    }
    let form = match format {
        NewForm::Pem => Form::Pem,
        NewForm::Jwk => Form::Jwk,
    };
    write(&out, form.private(&key)?.expose(), Readers::Owner)?;
    if !as_json {
        return output::print(key.kid());
    }
    let shown = json!({
        "kid": key.kid(),
        "type": kind.as_str(),
        "algorithm": key.algorithm().as_str(),
        "format": form.name(),
        "file": out.display().to_string(),
    });
    output::print(&shown.to_string())
}
