//! `ssf event`: which events there are, and what is in them.

pub(super) mod example;
mod list;
mod show;

use super::Result;

/// List the events, or show the members of one
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    List(list::Arguments),
    Show(show::Arguments),
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result {
    match &arguments.task {
        Task::List(arguments) => list::run(arguments, json),
        Task::Show(arguments) => show::run(arguments, json),
    }
}
