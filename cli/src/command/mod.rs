//! The subcommands: one file each, with its arguments and what it does.

mod receiver;

use std::error::Error;

/// Work with Shared Signals from the command line.
#[derive(clap::Parser)]
#[command(name = "ssf", version, about)]
pub(crate) struct Ssf {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Receiver(receiver::Arguments),
}

impl Ssf {
    pub(crate) fn run(self) -> Result<(), Box<dyn Error>> {
        match self.command {
            Command::Receiver(arguments) => receiver::run(arguments),
        }
    }
}
