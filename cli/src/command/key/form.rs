//! The forms in which a key is written.

use serde_json::Value;
use ssf_transmitter::{Jwks, SigningKey, secret::Secret};

use super::super::{Result, output};

#[derive(Clone, Copy, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum Form {
    /// PKCS#8, or SPKI of a public key, in PEM
    Pem,
    /// The same in DER
    Der,
    /// DER in base64, on one line
    Base64,
    /// A JSON Web Key
    Jwk,
    /// A JWK Set with this key
    Jwks,
}

impl Form {
    /// Its name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Der => "der",
            Self::Base64 => "base64",
            Self::Jwk => "jwk",
            Self::Jwks => "jwks",
        }
    }

    pub(super) fn is_json(self) -> bool {
        matches!(self, Self::Jwk | Self::Jwks)
    }

    /// The public key, as it is written.
    pub(super) fn public(self, key: &SigningKey) -> Result<Vec<u8>> {
        let key = key.public_key();
        Ok(match self {
            Self::Pem => key.to_pem()?.into_bytes(),
            Self::Der => key.to_der(),
            Self::Base64 => line(&base64(&key.to_der())),
            Self::Jwk => line(&serde_json::to_string_pretty(&key.to_jwk())?),
            Self::Jwks => line(&output::pretty(&Jwks::new([key.clone()])?.to_json())?),
        })
    }

    /// The private key, as it is written.
    pub(super) fn private(self, key: &SigningKey) -> Result<Secret<Vec<u8>>> {
        let jwk = || -> Result<Value> { Ok(serde_json::from_str(key.export_private_jwk()?.expose())?) };
        Ok(Secret::new(match self {
            Self::Pem => key.export_private_pem()?.expose().as_bytes().to_vec(),
            Self::Der => key.export_private_der()?.expose().clone(),
            Self::Base64 => line(&base64(key.export_private_der()?.expose())),
            Self::Jwk => line(&serde_json::to_string_pretty(&jwk()?)?),
            Self::Jwks => line(&serde_json::to_string_pretty(&serde_json::json!({ "keys": [jwk()?] }))?),
        }))
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn line(text: &str) -> Vec<u8> {
    format!("{text}\n").into_bytes()
}
