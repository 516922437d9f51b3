//! `ssf key`: makes keys, shows them in other forms, and replaces one that signs.

mod form;
mod new;
mod rotate;
mod show;

use std::{fs::OpenOptions, io::Write as _, path::Path};

use form::Form;
use ssf_transmitter::{KeyType, SigningKey};

use super::{Failure, Result};

/// Generate a private key, convert one, or replace the one that signs
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    New(new::Arguments),
    Show(show::Arguments),
    Rotate(Box<rotate::Arguments>),
}

pub(crate) fn run(arguments: Arguments, json: bool) -> Result {
    match arguments.task {
        Task::New(arguments) => new::run(arguments, json),
        Task::Show(arguments) => show::run(&arguments, json),
        Task::Rotate(arguments) => rotate::run(&arguments, json),
    }
}

/// Makes a key of the type that most receivers accept, in a new file that only its owner reads, and gives its `kid`.
pub(super) fn make(path: &Path) -> Result<String> {
    let key = SigningKey::generate(KeyType::Rsa2048)?;
    write(path, Form::Pem.private(&key)?.expose(), Readers::Owner)?;
    Ok(key.kid().to_owned())
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
