//! `ssf init`: writes a file of settings.

mod questions;

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use serde_json::json;
use ssf_transmitter::config::Config;
use toml::{Table, Value};

use super::{Class, Failure, Result, ask, key, output};

/// The key, unless another one is named.
const KEY: &str = "ssf-key.pem";

/// Write a file of settings, `ssf.toml`
///
/// The file has what the options say, and everything else that can be set in comments. On a terminal, without issuer and receiver, it
/// asks for them and for the key, which it makes if there is none. `ssf config check` checks the file.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The issuer: the exact `issuer` of your transmitter configuration
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Where your private key is: a file, `env:NAME`, `dir:PATH` or `cmd:PROGRAM ARG…` [default: the file `ssf-key.pem`]
    // What starts with a hyphen may be a key in PEM, given by mistake: clap would print it.
    #[arg(long, value_name = "SOURCE", allow_hyphen_values = true, requires = "issuer")]
    key: Option<String>,
    /// The name of the first receiver [default: `okta` or `receiver`]
    #[arg(long, value_name = "NAME", requires = "Receiver")]
    to: Option<String>,
    #[command(flatten)]
    receiver: Receiver,
    /// The file to write
    #[arg(long, short, value_name = "FILE", default_value = Config::FILE_NAME)]
    out: PathBuf,
    /// Replace a file that exists
    #[arg(long)]
    force: bool,
}

#[derive(clap::Args)]
#[group(multiple = true)]
struct Receiver {
    /// An Okta org: the URL where its users sign in
    #[arg(long, value_name = "URL", conflicts_with = "endpoint")]
    okta: Option<String>,
    /// The push endpoint of another receiver
    #[arg(long, value_name = "URL", requires = "audience")]
    endpoint: Option<String>,
    /// The audience, exactly as the receiver documents it
    #[arg(long, value_name = "AUD")]
    audience: Option<String>,
    /// The receiver's dialect: a built-in id, or a TOML file
    #[arg(long, value_name = "ID|FILE")]
    dialect: Option<String>,
}

pub(crate) fn run(arguments: &Arguments, as_json: bool) -> Result {
    let path = &arguments.out;
    if arguments.is_bare() && !as_json && ask::is_possible() {
        return arguments.ask();
    }
    write(path, &Config::commented_toml(&arguments.settings().to_string())?, arguments.force)?;
    let key = (arguments.issuer.is_some() && arguments.key.is_none()).then(|| path.with_file_name(KEY));
    let missing = key.filter(|key| !key.exists()).map(|key| key.display().to_string());
    if as_json {
        let shown = json!({ "file": path.display().to_string(), "missing_key": missing });
        return output::print(&shown.to_string());
    }
    output::print(&path.display().to_string())?;
    if let Some(key) = missing {
        output::say(&format!("next: ssf key new --out {key}"));
    }
    Ok(())
}

impl Arguments {
    /// Whether it says nothing of what is in the file.
    fn is_bare(&self) -> bool {
        let Receiver { okta, endpoint, audience, dialect } = &self.receiver;
        [&self.issuer, okta, endpoint, audience, dialect].into_iter().all(Option::is_none)
    }

    /// Writes what somebody answers.
    fn ask(&self) -> Result {
        let path = &self.out;
        if !self.force && path.exists() {
            return Err(exists(path));
        }
        let questions::Answers { settings, new_key } = questions::ask(path)?;
        let file = Config::commented_toml(&settings.to_string())?;
        if let Some(key) = &new_key {
            let kid = key::make(key)?;
            output::say(&format!("{} has a new key: {kid}", key.display()));
        }
        write(path, &file, self.force)?;
        output::print(&path.display().to_string())?;
        output::say("next: ssf config check");
        Ok(())
    }

    fn settings(&self) -> Table {
        let mut settings = Table::new();
        if let Some(issuer) = &self.issuer {
            settings.insert("issuer".to_owned(), issuer.as_str().into());
            let key = self.key.clone().unwrap_or_else(|| format!("file:{KEY}"));
            settings.insert("key".to_owned(), key.into());
        }
        let receiver = self.receiver.settings();
        if !receiver.is_empty() {
            let default = if self.receiver.okta.is_some() { "okta" } else { "receiver" };
            let name = self.to.as_deref().unwrap_or(default);
            let receivers = Table::from_iter([(name.to_owned(), Value::Table(receiver))]);
            settings.insert("receivers".to_owned(), Value::Table(receivers));
        }
        settings
    }
}

impl Receiver {
    fn settings(&self) -> Table {
        let Self { okta, endpoint, audience, dialect } = self;
        let given = [("okta", okta), ("endpoint", endpoint), ("audience", audience), ("dialect", dialect)];
        let given =
            given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into())));
        given.collect()
    }
}

fn exists(path: &Path) -> Failure {
    Failure::new(Class::Configuration, format!("{} exists: --force replaces it", path.display()))
}

/// Writes a file, which must not exist unless it is to be replaced.
fn write(path: &Path, text: &str, force: bool) -> Result {
    let mut options = OpenOptions::new();
    options.write(true).truncate(force).create(force).create_new(!force);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        _ => Failure::file(path, &error),
    })
}
