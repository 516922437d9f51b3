//! `ssf set`: builds SETs without sending them, and sends SETs that exist.

mod diff;
mod push;
mod sign;
mod verify;

use serde_json::{Value, json};
use ssf_transmitter::SignedSet;

use super::{Result, decode, lint, output};

/// Sign, decode, verify, lint and compare SETs, or send an existing one
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    Sign(Box<sign::Arguments>),
    Push(Box<push::Arguments>),
    Decode(decode::Arguments),
    Verify(verify::Arguments),
    Lint(lint::Arguments),
    Diff(diff::Arguments),
}

pub(crate) fn run(arguments: Arguments, json: bool) -> Result {
    match arguments.task {
        Task::Sign(arguments) => sign::run(*arguments, json),
        Task::Push(arguments) => push::run(*arguments),
        Task::Decode(arguments) => decode::run(&arguments),
        Task::Verify(arguments) => verify::run(&arguments, json),
        Task::Lint(arguments) => lint::run(&arguments, json),
        Task::Diff(arguments) => diff::run(&arguments, json),
    }
}

/// A SET as JSON: header, claims, its compact form, and what lint warns of.
pub(super) fn shown(set: &SignedSet) -> Result<Value> {
    let decoded = set.decode()?;
    let findings: Vec<_> = set.findings().iter().map(output::finding).collect();
    Ok(json!({
        "header": decoded.header(),
        "claims": decoded.claims(),
        "set": set.as_str(),
        "findings": findings,
    }))
}
