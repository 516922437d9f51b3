//! `ssf key rotate`: replaces the key that signs, in two steps.

mod files;

use std::{ffi::OsString, fs, path::PathBuf, time::Duration};

use serde_json::{Value, json};
use ssf_transmitter::{
    Algorithm, Jwks, SigningKey, Timestamp, Transmitter, catalogue::Language, client::Outcome, config::Config,
};

use super::Kind;
use crate::command::{
    Class, Failure, Result, block_on, config::ConfigFile, input, network::Network, output, publish,
};
use files::Files;

/// A heading of its own, set on each argument.
const PUBLISHED: &str = "Publication";

/// Replace the key that signs, in two steps
///
/// Receivers cache the JWKS, so a key has to be published before it signs. The first call makes the next key, in a file beside the
/// current one, such as `ssf-key.next.pem`, and prints the JWKS with both: publish it.
///
/// A day later, `--complete` looks whether the next key is published, and lets it take the place of the current one, which it keeps as
/// `ssf-key.previous.pem`. The JWKS that it prints has both keys, too: SETs on their way have the previous one's signature. Remove that
/// file when there are none left, and publish the JWKS again.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Your private key, in a file [default: that of `ssf.toml`]
    // What starts with a hyphen may be a key in PEM, given by mistake: clap would print it.
    #[arg(long, value_name = "SOURCE", allow_hyphen_values = true)]
    key: Option<OsString>,
    /// The algorithm to sign with, if the key supports several, such as PS256
    #[arg(long, value_name = "ALG", requires = "key", hide_short_help = true)]
    algorithm: Option<Algorithm>,
    #[command(flatten)]
    config: ConfigFile,
    /// The type of the next key [default: that of the current one]
    #[arg(long = "type", value_enum, conflicts_with = "complete")]
    kind: Option<Kind>,
    /// The `kid` of the next key, if it is a JWK [default: its thumbprint]
    #[arg(long, conflicts_with = "complete", hide_short_help = true)]
    kid: Option<String>,
    /// Write the JWKS to this file instead of printing it; another JWKS there is replaced
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Let the next key sign
    #[arg(long)]
    complete: bool,
    /// How long there has to be a next key before it signs
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u64).range(..=8784))]
    after: u64,
    /// Replace the previous key that an earlier rotation has left
    #[arg(long, requires = "complete")]
    force: bool,
    /// Do not look whether the next key is published
    #[arg(long, requires = "complete", help_heading = PUBLISHED)]
    offline: bool,
    /// The issuer, as in your transmitter configuration [default: that of `ssf.toml`]
    #[arg(long, value_name = "URL", requires = "complete", help_heading = PUBLISHED)]
    issuer: Option<String>,
    /// The URL of the transmitter configuration, if it is not the default for the issuer
    #[arg(long, value_name = "URL", requires = "complete", help_heading = PUBLISHED, hide_short_help = true)]
    configuration: Option<String>,
    #[command(flatten)]
    network: Network,
}

pub(super) fn run(arguments: &Arguments, as_json: bool) -> Result {
    let config = arguments.config.read()?;
    let config = config.as_ref();
    let source = match (&arguments.key, config) {
        (Some(key), _) => input::source(key, None, arguments.algorithm)?,
        (None, Some(config)) => config.key_source()?,
        (None, None) => return Err(Failure::usage("--key is needed, or a file ssf.toml with a key")),
    };
    let files = Files::of(source)?;
    arguments.check_jwks_file()?;
    let after = Duration::from_secs(arguments.after * 60 * 60);
    let complete_at = if arguments.complete {
        files.complete(after, arguments.force, |next| arguments.check_published(next, config))?;
        None
    } else {
        arguments.stage(&files)?;
        Some(files.staged()?.plus(after))
    };
    arguments.report(&files, complete_at, as_json)
}

impl Arguments {
    /// Makes the next key, unless there is one.
    fn stage(&self, files: &Files) -> Result {
        if files.read(&files.next)?.is_none() {
            return files.stage(self.kind.map(Into::into), self.kid.as_deref());
        }
        if self.kind.is_none() && self.kid.is_none() {
            return Ok(());
        }
        let message = format!(
            "{} exists: remove it to make another next key, or use it as it is",
            files.next.display()
        );
        Err(Failure::new(Class::Key, message))
    }

    /// A JWKS is replaced; what is none may be a key that signs.
    fn check_jwks_file(&self) -> Result {
        let Some(path) = self.jwks.as_ref().filter(|path| path.exists()) else { return Ok(()) };
        let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        let message = || Failure::usage(format!("{} exists, and is not a JWKS", path.display()));
        Jwks::from_json(&text).map(drop).map_err(|_| message())
    }

    /// Looks as a receiver would.
    fn check_published(&self, next: &SigningKey, config: Option<&Config>) -> Result {
        if self.offline {
            return Ok(());
        }
        let issuer = self.issuer.as_deref().or_else(|| config?.issuer());
        let issuer = issuer.ok_or_else(|| {
            Failure::usage("--issuer is needed, or a file ssf.toml with an issuer; --offline does not look")
        })?;
        let network = match config {
            Some(config) => self.network.add_to(config.network()?)?,
            None => self.network.settings()?,
        };
        let transmitter = Transmitter::builder(issuer, next.clone()).network(network).build()?;
        let diagnosis = block_on(async {
            let mut check = transmitter.doctor_shared([]);
            if let Some(url) = &self.configuration {
                check = check.configuration_url(url);
            }
            if self.network.allow_loopback {
                check = check.allow_loopback();
            }
            Ok(check.await.in_language(Language::Command))
        })?;
        let published = diagnosis.check("signing-key");
        if published.is_some_and(|check| check.outcome == Outcome::Passed) {
            return Ok(());
        }
        let cause =
            published.or_else(|| diagnosis.checks().iter().find(|check| check.outcome == Outcome::Failed));
        let (message, remedy) =
            cause.map_or(("", ""), |check| (check.message.as_str(), check.remedy.as_str()));
        let message = message.replace("the signing key", "the next key");
        Err(Failure::new(
            Class::Findings,
            format!("the next key may not sign yet: {message}\n  fix: {remedy}"),
        ))
    }

    /// Says which key signs, and prints the JWKS.
    fn report(&self, files: &Files, complete_at: Option<Timestamp>, as_json: bool) -> Result {
        let jwks = output::pretty(&files.jwks()?.to_json())?;
        if let Some(path) = &self.jwks {
            publish::write(path, &jwks)?;
        }
        let (next, previous) = (files.next.display(), files.previous.display());
        if as_json {
            let shown = |path: &PathBuf| -> Result<Value> {
                let key = files.read(path)?;
                Ok(key.map_or(
                    Value::Null,
                    |key| json!({ "kid": key.kid(), "file": path.display().to_string() }),
                ))
            };
            let jwks: Value = serde_json::from_str(&jwks)?;
            let report = json!({
                "state": if self.complete { "completed" } else { "staged" },
                "current": shown(&files.current)?,
                "next": shown(&files.next)?,
                "previous": shown(&files.previous)?,
                "complete_at": complete_at.map(Timestamp::to_rfc3339),
                "jwks": jwks,
                "jwks_file": self.jwks.as_ref().map(|path| path.display().to_string()),
            });
            return output::print(&serde_json::to_string_pretty(&report)?);
        }
        if self.jwks.is_none() {
            output::print(&jwks)?;
        }
        match complete_at {
            Some(time) => output::say(&format!(
                "{next} has the next key, which does not sign yet\nnext: publish this JWKS, and from {} on: ssf key rotate --complete",
                time.to_rfc3339()
            )),
            None => output::say(&format!(
                "{} has the key that signs from now on, {previous} the one before\n\
                 next: publish this JWKS; remove {previous} when no SET that it signed is on its way any more, and publish it again",
                files.current.display()
            )),
        }
        Ok(())
    }
}
