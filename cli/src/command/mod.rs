//! The subcommands: one file each, with its arguments and what it does.

mod configuration;
mod decode;
mod doctor;
mod emit;
mod explain;
mod jwks;
mod key;
mod lint;
mod okta;
mod receiver;
mod serve;

mod input;
mod network;
mod secret;
mod shutdown;
mod signal;

use std::{
    error::Error,
    io::{self, Write as _},
};

use ssf_transmitter::ErrorCode;

type Result<T = (), E = Box<dyn Error>> = std::result::Result<T, E>;

/// Send Shared Signals from the command line, and try receivers out.
#[derive(clap::Parser)]
#[command(name = "ssf", version, about)]
pub(crate) struct Ssf {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Key(key::Arguments),
    Jwks(jwks::Arguments),
    Configuration(configuration::Arguments),
    Serve(serve::Arguments),
    Emit(emit::Arguments),
    Lint(lint::Arguments),
    Explain(explain::Arguments),
    Doctor(doctor::Arguments),
    Okta(okta::Arguments),
    Decode(decode::Arguments),
    Receiver(receiver::Arguments),
}

impl Ssf {
    pub(crate) fn run(self) -> Result {
        match self.command {
            Command::Key(arguments) => key::run(&arguments),
            Command::Jwks(arguments) => jwks::run(&arguments),
            Command::Configuration(arguments) => configuration::run(arguments),
            Command::Serve(arguments) => serve::run(&arguments),
            Command::Emit(arguments) => emit::run(arguments),
            Command::Lint(arguments) => lint::run(&arguments),
            Command::Explain(arguments) => explain::run(&arguments),
            Command::Doctor(arguments) => doctor::run(arguments),
            Command::Okta(arguments) => okta::run(arguments),
            Command::Decode(arguments) => decode::run(&arguments),
            Command::Receiver(arguments) => receiver::run(arguments),
        }
    }
}

/// Runs a command that waits for the network.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(work)
}

/// Writes a line to standard output, at once.
fn print(line: &str) -> Result {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}

/// What to print about an error.
pub(crate) fn described(error: &(dyn Error + 'static)) -> String {
    error.downcast_ref().map_or_else(|| error.to_string(), explained)
}

/// The option that sets what the remedy of an error names.
fn option(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::EndpointInvalid => "--allow-loopback",
        ErrorCode::AddressForbidden => "--allow-network",
        ErrorCode::ConnectionFailed => "--proxy",
        ErrorCode::TlsFailed => "--ca-bundle",
        ErrorCode::TokenRefused => "--token-auth",
        ErrorCode::ReceiverUnauthorized => "--authorization, or --token-url",
        ErrorCode::DeadlineExceeded => "--deadline",
        ErrorCode::KeyAlgorithmMismatch | ErrorCode::AlgorithmNotAccepted => "--algorithm",
        ErrorCode::KeySetAmbiguous | ErrorCode::KeyNotFound => "--kid",
        ErrorCode::SubjectFormatUnknown => "--custom-subject",
        ErrorCode::TxnMissing => "--txn",
        _ => return None,
    })
}

/// An error with what the other side says of it, and what to do.
fn explained(error: &ssf_transmitter::Error) -> String {
    let mut message = error.to_string();
    if let Some(description) = error.receiver_description() {
        message = format!("{message}\n  the receiver says: {description}");
    }
    message = format!("{message}\n  what to do: {}", error.remedy());
    if let Some(option) = option(error.code()) {
        message = format!("{message} (option {option})");
    }
    let others = error.findings().iter().filter(|finding| Some(finding.pointer()) != error.pointer());
    others.fold(message, |message, finding| format!("{message}\n  {finding}"))
}

/// JSON for people.
fn pretty(json: &str) -> Result<String> {
    let value: serde_json::Value = serde_json::from_str(json)?;
    Ok(serde_json::to_string_pretty(&value)?)
}
