//! The command `ssf`.

mod command;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match command::Ssf::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to report to when standard error itself is closed.
            let _ = writeln!(io::stderr(), "ssf: {}", command::described(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}
