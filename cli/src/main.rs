//! The command `ssf`.

mod command;

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{FromArgMatches as _, error::ErrorKind};
use command::{Failure, Ssf};

fn main() -> ExitCode {
    let parsed = command::command().try_get_matches().and_then(|matches| Ssf::from_arg_matches(&matches));
    match parsed {
        Ok(ssf) => {
            let json = ssf.json();
            ssf.run().map_or_else(|failure| report(&failure, json), |()| ExitCode::SUCCESS)
        }
        Err(error) => misused(&error),
    }
}

/// Says what is wrong with the command line, or shows the requested help.
fn misused(error: &clap::Error) -> ExitCode {
    let json = env::args_os().any(|argument| argument == "--json");
    match command::unknown_event() {
        // The option may be a member of the event that is meant.
        Some(failure) if error.kind() == ErrorKind::UnknownArgument => report(&failure, json),
        _ if error.use_stderr() && json => {
            report(&Failure::usage(error.render().to_string().trim_end()), true)
        }
        _ => error.exit(),
    }
}

/// Says why the command fails, and ends with the code of its class.
fn report(failure: &Failure, json: bool) -> ExitCode {
    // Who reads the output has enough of it: that is no failure.
    if failure.is_closed_pipe() {
        return ExitCode::SUCCESS;
    }
    let text = if json { failure.json().to_string() } else { format!("ssf: {}", failure.text()) };
    // Nothing is left to report to when standard error itself is closed.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(failure.class().exit_code())
}
