//! The subcommands: one file or folder each, with its arguments and what it does.

mod completions;
mod config;
mod configuration;
mod decode;
mod doctor;
mod emit;
mod emulate;
mod event;
mod explain;
mod guide;
mod handover;
mod init;
mod jwks;
mod key;
mod lint;
mod okta;
mod outbox;
mod publish;
mod receiver;
mod reference;
mod send;
mod serve;
mod set;
mod transmitter;

mod addressee;
mod confirm;
mod content;
mod event_line;
mod failure;
mod help;
mod input;
mod members;
mod moment;
mod network;
mod output;
mod receivers;
mod route;
mod secret;
mod shutdown;
mod signal;
mod table;

pub(crate) use failure::{Class, Failure};
pub(crate) use help::command;
pub(crate) use members::unknown_event;
use output::{pretty, print};

use clap::ColorChoice;

type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// Send Shared Signals from the command line, and try receivers out.
#[derive(clap::Parser)]
#[command(name = "ssf", version, about)]
pub(crate) struct Ssf {
    #[command(subcommand)]
    command: Command,
    /// Print JSON instead of text, and errors as JSON
    #[arg(long, global = true)]
    json: bool,
    /// When to use colours [default: on a terminal, unless `NO_COLOR` is set]
    #[arg(long, global = true, value_name = "WHEN")]
    color: Option<ColorChoice>,
}

#[derive(clap::Subcommand)]
enum Command {
    Init(init::Arguments),
    Key(key::Arguments),
    Jwks(jwks::Arguments),
    Config(config::Arguments),
    Configuration(configuration::Arguments),
    Publish(publish::Arguments),
    Handover(handover::Arguments),
    Event(event::Arguments),
    Emit(Box<emit::Arguments>),
    Set(set::Arguments),
    Send(Box<send::Arguments>),
    // The short name of `ssf set lint`.
    #[command(hide = true)]
    Lint(lint::Arguments),
    Explain(explain::Arguments),
    Doctor(Box<doctor::Arguments>),
    Okta(okta::Arguments),
    Outbox(outbox::Arguments),
    // The short name of `ssf set decode`.
    #[command(hide = true)]
    Decode(decode::Arguments),
    Guide(guide::Arguments),
    Receiver(receiver::Arguments),
    Emulate(emulate::Arguments),
    Serve(serve::Arguments),
    Transmitter(transmitter::Arguments),
    Completions(completions::Completions),
    Man(completions::Manual),
    /// Write the reference of this command
    #[command(hide = true)]
    Reference,
}

impl Ssf {
    /// Whether errors are printed as JSON.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    pub(crate) fn run(self) -> Result {
        let json = self.json;
        match self.color {
            Some(ColorChoice::Always) => console::set_colors_enabled(true),
            Some(ColorChoice::Never) => console::set_colors_enabled(false),
            _ => {}
        }
        match self.command {
            Command::Init(arguments) => init::run(&arguments),
            Command::Key(arguments) => key::run(arguments),
            Command::Jwks(arguments) => jwks::run(&arguments),
            Command::Config(arguments) => config::run(&arguments, json),
            Command::Configuration(arguments) => configuration::run(arguments),
            Command::Publish(arguments) => publish::run(arguments),
            Command::Handover(arguments) => handover::run(&arguments, json),
            Command::Event(arguments) => event::run(&arguments, json),
            Command::Emit(arguments) => emit::run(*arguments),
            Command::Set(arguments) => set::run(arguments, json),
            Command::Send(arguments) => send::run(&arguments, json),
            Command::Lint(arguments) => lint::run(&arguments, json),
            Command::Explain(arguments) => explain::run(&arguments, json),
            Command::Doctor(arguments) => doctor::run(&arguments, json),
            Command::Okta(arguments) => okta::run(arguments),
            Command::Outbox(arguments) => outbox::run(arguments, json),
            Command::Decode(arguments) => decode::run(&arguments),
            Command::Guide(arguments) => guide::run(&arguments),
            Command::Receiver(arguments) => receiver::run(arguments),
            Command::Emulate(arguments) => emulate::run(arguments),
            Command::Serve(arguments) => serve::run(&arguments),
            Command::Transmitter(arguments) => transmitter::run(&arguments, json),
            Command::Completions(arguments) => completions::completions(&arguments),
            Command::Man(arguments) => completions::manual(&arguments),
            Command::Reference => reference::run(),
        }
    }
}

/// Runs a command that waits for the network.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}
