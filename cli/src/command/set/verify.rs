//! `ssf set verify`: whether a SET was signed with one of these keys.

use std::{fs, path::PathBuf};

use serde_json::json;
use ssf_transmitter::{Jwks, set::DecodedSet};

use super::super::{Failure, Result, input, output::print};

/// Verify the signature of a SET with a JWKS
///
/// Prints the `kid` of the key. `ssf set lint --jwks` checks everything else, too.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The compact SET, `@FILE`, or `-` for standard input
    set: String,
    /// The published keys
    #[arg(long, value_name = "FILE")]
    jwks: PathBuf,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result {
    let text = input::text(&arguments.set)?;
    let set = DecodedSet::parse(text.trim())?;
    let jwks = fs::read_to_string(&arguments.jwks).map_err(|error| Failure::file(&arguments.jwks, &error))?;
    let jwks = Jwks::from_json(&jwks)?;
    let kid = set.verify(&jwks)?.kid();
    if json {
        return print(&json!({ "verified_with": kid }).to_string());
    }
    print(&format!("verified with the key {kid}"))
}
