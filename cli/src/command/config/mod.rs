//! `ssf config`: the file of settings, which other commands read, too.

mod check;
mod file;

pub(super) use file::ConfigFile;

use super::Result;

/// Check the file of settings, `ssf.toml`
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    Check(check::Arguments),
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result {
    match &arguments.task {
        Task::Check(arguments) => check::run(arguments, json),
    }
}
