//! `ssf event`: which events there are, what is in them, and new ones.

pub(super) mod example;
mod list;
mod new;
mod questions;
mod show;

use super::Result;

/// List the events, show the members of one, or write a new one
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(clap::Subcommand)]
enum Task {
    List(list::Arguments),
    Show(show::Arguments),
    New(Box<new::Arguments>),
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result {
    match &arguments.task {
        Task::List(arguments) => list::run(arguments, json),
        Task::Show(arguments) => show::run(arguments, json),
        Task::New(arguments) => new::run(arguments),
    }
}
