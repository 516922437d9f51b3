//! `ssf key`: makes a signing key.

use std::{fs::OpenOptions, io::Write as _, path::PathBuf};

use ssf_transmitter::{KeyType, SigningKey};

use super::{Result, print};

/// Generate a private signing key
///
/// Writes the key in PEM (PKCS#8) to a new file that only you can read, and prints its `kid`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The kind of key; RSA is what receivers commonly take
    #[arg(long = "type", value_enum, default_value_t = Kind::Rsa2048)]
    kind: Kind,
    /// The file to write; it must not exist yet
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Kind {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    P521,
    Ed25519,
}

impl From<Kind> for KeyType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Rsa2048 => Self::Rsa2048,
            Kind::Rsa3072 => Self::Rsa3072,
            Kind::Rsa4096 => Self::Rsa4096,
            Kind::P256 => Self::P256,
            Kind::P384 => Self::P384,
            Kind::P521 => Self::P521,
            Kind::Ed25519 => Self::Ed25519,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file =
        options.open(&arguments.out).map_err(|error| format!("{}: {error}", arguments.out.display()))?;

    let key = SigningKey::generate(arguments.kind.into())?;
    file.write_all(key.export_private_pem()?.expose().as_bytes())?;
    print(key.kid())
}
