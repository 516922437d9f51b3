//! `ssf decode`: shows what a SET says.

use std::{fs, path::PathBuf};

use serde_json::json;
use ssf_transmitter::{Jwks, set::DecodedSet};

use super::{Failure, Result, input, print};

/// Show the header and claims of a SET, and verify it with a JWKS
///
/// `ssf decode` is its short name.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The compact SET, `@FILE`, or `-` for standard input
    set: String,
    /// Verify the signature with the keys of this file
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let text = input::text(&arguments.set)?;
    let set = DecodedSet::parse(text.trim())?;
    let mut shown = json!({ "header": set.header(), "claims": set.claims() });
    if let Some(path) = &arguments.jwks {
        let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        shown["verified_with"] = set.verify(&Jwks::from_json(&text)?)?.kid().into();
    }
    print(&serde_json::to_string_pretty(&shown)?)
}
