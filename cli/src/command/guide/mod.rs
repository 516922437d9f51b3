//! `ssf guide`: walks through the guide of a receiver, from its first sentence to its last, against the emulator.

mod govuk;
mod okta;
mod walk;

use std::path::PathBuf;

use walk::Walk;

use super::{Failure, Result};

/// Run a receiver's guide step by step against a local emulator
///
/// Prints what the guide asks for, the command that does it, and what the command answers. Nothing leaves this machine.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Whose guide
    #[arg(value_enum)]
    guide: Guide,
    /// Work in this directory, which must be empty or missing, and keep it; a temporary one without it
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Guide {
    /// Okta: "Configure an SSF receiver and publish a SET"
    Okta,
    /// GOV.UK One Login: "Sending a Security Event Token"
    Govuk,
}

pub(crate) fn run(arguments: &Arguments, as_json: bool) -> Result {
    let (name, steps, end): (_, fn(&mut Walk) -> Result, _) = match arguments.guide {
        Guide::Okta => (
            "okta",
            okta::walk,
            "That is Okta's whole guide. With an org, leave out --allow-loopback and the emulator.",
        ),
        Guide::Govuk => (
            "govuk",
            govuk::walk,
            "That is the whole guide. With the real URLs, leave out --allow-loopback and the emulator.",
        ),
    };
    // Removed when the walk has ended.
    let temporary = tempfile::tempdir()?;
    let dir = arguments.dir.as_deref().unwrap_or(temporary.path());
    let mut walk = Walk::new(dir, as_json)?;
    let walked = steps(&mut walk);
    walk.end(name, walked.is_ok().then_some(end))?;
    walked
}
