//! `ssf emulate`: a receiver for a test of any language, which starts it as a process and talks to it in lines of JSON.

mod settings;

use std::{
    io::{self, BufRead as _},
    pin::pin,
    thread,
};

use serde::Deserialize;
use serde_json::{Value, json};
use settings::Settings;
use ssf_emulator::{Config, Emulator};
use tokio::sync::mpsc;

use super::{Result, block_on, print, receiver, shutdown};

/// Said with the first line, so that a helper of another version can tell.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Run a receiver emulator for a test, which drives it in lines of JSON
///
/// The first line on standard input has the settings. One line on standard output then says that it is ready, or what is
/// wrong. Each further line is a command, and is answered with one line. It ends with its input: never later than the
/// process that has started it. The packages `ssf-transmitter` contain docs/emulator.md, which has the settings and the
/// commands.
#[derive(clap::Args)]
pub(crate) struct Arguments {}

/// A command, one line each.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Command {
    /// What it saw.
    Requests,
    /// The totals.
    Counters,
    /// How often each `jti` was accepted.
    Accepted,
    /// Forget what it saw.
    Clear,
    /// End once pending requests are answered.
    Stop,
}

pub(crate) fn run(_: Arguments) -> Result {
    block_on(serve())
}

async fn serve() -> Result {
    let mut terminated = pin!(shutdown::terminated()?);
    let mut lines = lines();
    let first = tokio::select! {
        first = lines.recv() => first,
        () = &mut terminated => None,
    };
    let Some(line) = first else { return Ok(()) };
    let emulator = match start(&line).await {
        Ok((emulator, ready)) => {
            print(&ready.to_string())?;
            emulator
        }
        Err(reason) => return print(&json!({ "error": reason, "version": VERSION }).to_string()),
    };
    let stopped = tokio::select! {
        stopped = obey(&emulator, &mut lines) => stopped?,
        () = &mut terminated => true,
    };
    if stopped {
        emulator.stop().await;
    }
    Ok(())
}

/// Starts it, and returns what is said then.
async fn start(settings: &str) -> std::result::Result<(Emulator, Value), String> {
    let settings: Settings = serde_json::from_str(settings).map_err(|error| format!("settings: {error}"))?;
    let config = Config::try_from(settings)?;
    let like = config.like;
    let emulator = Emulator::start(config).await.map_err(|error| error.to_string())?;
    let mut ready = receiver::ready(like, &emulator);
    ready["version"] = VERSION.into();
    if let Some(ca) = emulator.ca_pem() {
        ready["ca_pem"] = ca.into();
    }
    Ok((emulator, ready))
}

/// Answers commands. Returns whether the last one was to stop: without, nobody waits for an answer any more.
async fn obey(emulator: &Emulator, lines: &mut mpsc::Receiver<String>) -> Result<bool> {
    while let Some(line) = lines.recv().await {
        let answer = match serde_json::from_str(&line) {
            Ok(Command::Stop) => return Ok(true),
            Ok(command) => answer(&command, emulator),
            Err(error) => Err(error),
        };
        let answer =
            answer.map_or_else(|error| json!({ "error": error.to_string() }), |done| json!({ "done": done }));
        print(&answer.to_string())?;
    }
    Ok(false)
}

fn answer(command: &Command, emulator: &Emulator) -> serde_json::Result<Value> {
    match command {
        Command::Requests => serde_json::to_value(emulator.ledger()),
        Command::Counters => serde_json::to_value(emulator.counters()),
        Command::Accepted => serde_json::to_value(emulator.accepted()),
        Command::Clear => {
            emulator.clear();
            Ok(Value::Null)
        }
        Command::Stop => Ok(Value::Null),
    }
}

/// The lines of standard input, up to its end. They are read by a thread of their own, which no end of the process waits
/// for.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            // What is not UTF-8 is not JSON either, and is refused as such.
            if sender.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
    receiver
}
