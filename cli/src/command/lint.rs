//! `ssf lint`: what a receiver would refuse, drop or misread.

use std::{fs, path::PathBuf};

use serde_json::Value;
use ssf_transmitter::{
    Jwks,
    lint::{Linter, Severity, jwks},
};

use super::{Class, Failure, Result, addressee, input, output, print};

/// Lint a SET, or any other token
///
/// Prints one finding per line, with a fix. Fails if there is an error. `ssf lint` is its short name.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The compact SET, `@FILE`, or `-` for standard input
    #[arg(required_unless_present = "document")]
    set: Option<String>,
    #[command(flatten)]
    known: LinterSettings,
    /// Lint a JWKS document instead
    #[arg(long = "jwks-document", value_name = "FILE", conflicts_with = "set")]
    document: Option<PathBuf>,
}

/// What is known of transmitter and receiver.
#[derive(clap::Args)]
pub(super) struct LinterSettings {
    /// The receiver's dialect: a built-in id, or a TOML file
    #[arg(long, value_name = "ID|FILE", default_value = "ssf-1.0")]
    dialect: String,
    /// The issuer that is registered at the receiver
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// The audience that the receiver expects
    #[arg(long, value_name = "AUD")]
    audience: Option<String>,
    /// The published keys
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
}

impl LinterSettings {
    pub(super) fn linter(&self) -> Result<Linter> {
        let mut linter = Linter::new(&addressee::dialect(&self.dialect)?);
        if let Some(issuer) = &self.issuer {
            linter = linter.issuer(issuer);
        }
        if let Some(audience) = &self.audience {
            linter = linter.audience(audience.as_str());
        }
        if let Some(path) = &self.jwks {
            let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
            linter = linter.jwks(Jwks::from_json(&text)?);
        }
        Ok(linter)
    }
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result {
    let findings = match (&arguments.document, &arguments.set) {
        (Some(path), _) => jwks(&fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?),
        (None, set) => {
            // A file ends in a newline that is not part of the SET.
            let text = input::text(set.as_deref().unwrap_or_default())?;
            arguments.known.linter()?.jwt(text.trim_end_matches(['\r', '\n']))
        }
    };
    if json {
        print(&Value::from(findings.iter().map(output::finding).collect::<Vec<_>>()).to_string())?;
    } else {
        for finding in &findings {
            print(&format!("{finding}\n    {}", finding.remedy()))?;
        }
    }
    let errors = findings.iter().filter(|finding| finding.severity() == Severity::Error).count();
    match errors {
        0 if findings.is_empty() && !json => print("nothing found"),
        0 => Ok(()),
        1 => Err(Failure::new(Class::Findings, "1 error")),
        _ => Err(Failure::new(Class::Findings, format!("{errors} errors"))),
    }
}
