//! What commands print: data on standard output, words on standard error.

use std::io::{self, Write as _};

use serde_json::{Value, json};
use ssf_transmitter::lint::Finding;

use super::Result;

/// Writes a line to standard output, at once.
pub(super) fn print(line: &str) -> Result {
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}

/// Writes a line for people to standard error.
pub(super) fn say(line: &str) {
    // Nothing is left to tell it to when standard error is closed.
    let _ = writeln!(io::stderr(), "{line}");
}

/// JSON for people.
pub(super) fn pretty(json: &str) -> Result<String> {
    let value: Value = serde_json::from_str(json)?;
    Ok(serde_json::to_string_pretty(&value)?)
}

/// A finding as JSON.
pub(super) fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule().id,
        "severity": finding.severity().as_str(),
        "effect": finding.rule().effect.as_str(),
        "pointer": finding.pointer(),
        "message": finding.message(),
        "remedy": finding.remedy(),
        "source": finding.rule().source,
    })
}
