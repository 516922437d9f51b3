//! `ssf key`: makes keys, and shows them in other forms.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
};

use serde_json::Value;
use ssf_transmitter::{Jwks, KeyType, SigningKey, secret::Secret};

use super::{Failure, Result, input, output};

/// Generate a private key, or convert one
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    New(New),
    Show(Show),
}

/// Generate a private signing key
///
/// Writes the key to a new file that only you can read, and prints its `kid`.
#[derive(clap::Args)]
struct New {
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

/// Show a key in another format
///
/// Prints the public key, unless --private is given. A private key is written to a file or a pipe, and to a terminal only with --yes.
#[derive(clap::Args)]
struct Show {
    /// The private key: a file, `env:NAME`, `cmd:PROGRAM ARG…` (its output), or `-` (standard input), in any form that `ssf` reads
    #[arg(value_name = "SOURCE")]
    source: OsString,
    /// The `kid`: selects a key from a JWKS, and sets the `kid` of any other key
    #[arg(long)]
    kid: Option<String>,
    /// Show the public key; this is the default
    #[arg(long, conflicts_with = "private")]
    public: bool,
    /// Show the private key
    #[arg(long)]
    private: bool,
    /// The form
    #[arg(long, value_enum, default_value_t = Form::Pem)]
    format: Form,
    /// Write to this new file; a private key is readable by you alone
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print a private key to a terminal too
    #[arg(long, requires = "private")]
    yes: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum NewForm {
    Pem,
    Jwk,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
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

pub(crate) fn run(arguments: Arguments) -> Result {
    match arguments.task {
        Task::New(new) => new.run(),
        Task::Show(show) => show.run(),
    }
}

impl New {
    fn run(self) -> Result {
        let mut key = SigningKey::generate(self.kind.into())?;
        if let Some(kid) = self.kid {
            key = key.with_kid(kid)?;
        }
        let form = match self.format {
            NewForm::Pem => Form::Pem,
            NewForm::Jwk => Form::Jwk,
        };
        write(&self.out, private(&key, form)?.expose(), Readers::Owner)?;
        output::print(key.kid())
    }
}

impl Show {
    fn run(self) -> Result {
        let key = input::key(&self.source, self.kid.as_deref())?;
        if !self.private {
            let bytes = public(&key, self.format)?;
            return match &self.out {
                Some(path) => write(path, &bytes, Readers::All),
                None => Ok(io::stdout().write_all(&bytes)?),
            };
        }
        let bytes = private(&key, self.format)?;
        match &self.out {
            Some(path) => write(path, bytes.expose(), Readers::Owner),
            None if io::stdout().is_terminal() && !self.yes => {
                Err(Failure::usage("this prints the private key to the terminal: add --yes, or --out FILE"))
            }
            None => Ok(io::stdout().write_all(bytes.expose())?),
        }
    }
}

/// The public key, as it is written.
fn public(key: &SigningKey, form: Form) -> Result<Vec<u8>> {
    let key = key.public_key();
    Ok(match form {
        Form::Pem => key.to_pem()?.into_bytes(),
        Form::Der => key.to_der(),
        Form::Base64 => line(&base64(&key.to_der())),
        Form::Jwk => line(&serde_json::to_string_pretty(&key.to_jwk())?),
        Form::Jwks => line(&output::pretty(&Jwks::new([key.clone()])?.to_json())?),
    })
}

/// The private key, as it is written.
fn private(key: &SigningKey, form: Form) -> Result<Secret<Vec<u8>>> {
    let jwk = || -> Result<Value> { Ok(serde_json::from_str(key.export_private_jwk()?.expose())?) };
    Ok(Secret::new(match form {
        Form::Pem => key.export_private_pem()?.expose().as_bytes().to_vec(),
        Form::Der => key.export_private_der()?.expose().clone(),
        Form::Base64 => line(&base64(key.export_private_der()?.expose())),
        Form::Jwk => line(&serde_json::to_string_pretty(&jwk()?)?),
        Form::Jwks => line(&serde_json::to_string_pretty(&serde_json::json!({ "keys": [jwk()?] }))?),
    }))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn line(text: &str) -> Vec<u8> {
    format!("{text}\n").into_bytes()
}

/// Who may read a file.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Readers {
    Owner,
    All,
}

/// Writes a file that must not exist yet: what is there may be a key that signs.
fn write(path: &Path, bytes: &[u8], readers: Readers) -> Result {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| Failure::file(path, &error))
}
