//! `ssf set sign`: builds and signs a SET.

use std::{fs, path::PathBuf};

use ssf_transmitter::SetBuilder;

use super::super::{
    Failure, Result, addressee::Addressee, config::ConfigFile, input, output, signal::Signal,
};
use super::shown;

/// Build and sign a SET, without sending it
///
/// Prints the compact SET, which `ssf set push` sends. Warnings of lint go to standard error.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    to: Addressee,
    #[command(flatten)]
    signal: Signal,
    /// The whole payload instead, as guides print it: a JSON object with `iss`, `aud` and `events`; `@FILE` or `-` read it
    ///
    /// `iat` and `jti` are filled in where they are missing. Nothing else is added or changed.
    #[arg(long, value_name = "JSON", conflicts_with_all = ["issuer", "event", "claims", "now", "About", "txn", "jti", "toe"])]
    payload: Option<String>,
    /// Write the SET to this file
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) fn run(arguments: Arguments, json: bool) -> Result {
    let Arguments { to, signal, payload, out, config } = arguments;
    let config = config.read()?;
    let config = config.as_ref();
    let builder = match &payload {
        Some(text) => to.shape(SetBuilder::from_payload(&input::text(text)?)?, config)?,
        None => signal.set(&to, config)?,
    };
    let set = builder.sign(&signal.key(config)?)?;
    for finding in set.findings() {
        output::say(&format!("{finding}\n    {}", finding.remedy()));
    }
    let text = if json { serde_json::to_string_pretty(&shown(&set)?)? } else { set.as_str().to_owned() };
    match out {
        Some(path) => fs::write(&path, text + "\n").map_err(|error| Failure::file(&path, &error)),
        None => output::print(&text),
    }
}
