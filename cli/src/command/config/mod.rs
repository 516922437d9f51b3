//! `ssf config`: the file of settings, which other commands read, too.

mod check;
mod file;

pub(super) use file::ConfigFile;

use ssf_transmitter::config::Config;

use super::{Result, output::print};

/// Check the file of settings, `ssf.toml`, and describe it to editors
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    Check(check::Arguments),
    /// Print a JSON Schema of the file, for editors
    Schema,
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result {
    match &arguments.task {
        Task::Check(arguments) => check::run(arguments, json),
        Task::Schema => print(Config::JSON_SCHEMA.trim_end()),
    }
}
