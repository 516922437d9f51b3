//! What is printed of checks: lines for people, and JSON.

use std::time::Duration;

use console::{measure_text_width, style};
use serde_json::{Value, json};
use ssf_transmitter::client::{Check, Outcome};

use super::{
    super::{Result, output},
    Section,
};

/// Prints a section.
pub(super) fn print(section: &Section, json: bool) -> Result {
    let receiver = section.receiver.as_deref();
    if json {
        return section
            .checks
            .iter()
            .try_for_each(|check| output::print(&value(receiver, check).to_string()));
    }
    if let Some(name) = receiver {
        output::print(&format!("\n{}", style(name).bold()))?;
    }
    section.checks.iter().try_for_each(|check| output::print(&text(None, check)))
}

/// A check as JSON.
pub(super) fn value(receiver: Option<&str>, check: &Check) -> Value {
    json!({
        "receiver": receiver,
        "id": check.id,
        "outcome": check.outcome.as_str(),
        "message": check.message,
        "remedy": check.remedy,
        "duration_ms": u64::try_from(check.duration.as_millis()).unwrap_or(u64::MAX),
    })
}

/// A check for people: a line, and what to do below it. Without a heading above it, the line names the receiver.
pub(super) fn text(receiver: Option<&str>, check: &Check) -> String {
    let mark = mark(check.outcome);
    let receiver = receiver.map(|name| format!("{name} ")).unwrap_or_default();
    let mut text = format!("{mark} {receiver}{}: {}", check.id, check.message);
    if check.duration > Duration::ZERO {
        text = format!("{text}  {}", style(format!("{} ms", check.duration.as_millis())).dim());
    }
    if !check.remedy.is_empty() {
        text = format!("{text}\n{} {}", " ".repeat(measure_text_width(&mark)), check.remedy);
    }
    text
}

/// What stands before a check: a symbol where there are colours, which is on a terminal, and a word elsewhere.
fn mark(outcome: Outcome) -> String {
    if !console::colors_enabled() {
        return format!("{:8}", outcome.as_str());
    }
    let symbol = match outcome {
        Outcome::Passed => style("✓").green(),
        Outcome::Warning => style("!").yellow(),
        Outcome::Failed => style("✗").red(),
        _ => style("–").dim(),
    };
    symbol.to_string()
}
