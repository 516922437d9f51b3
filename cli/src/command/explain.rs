//! `ssf explain`: what the answer of a receiver means.

use serde_json::{Value, json};
use ssf_transmitter::{catalogue::Language, http::Response};

use super::{Result, input, lint, output, print};

/// Explain a receiver's answer, and how to fix the problem
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The HTTP status of the answer
    #[arg(long)]
    status: u16,
    /// The body of the answer; `@FILE` or `-` read it
    #[arg(long, default_value = "")]
    body: String,
    /// The SET that was sent, or `@FILE`
    #[arg(long, default_value = "")]
    set: String,
    /// The content type of the request
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    #[command(flatten)]
    known: lint::LinterSettings,
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result {
    let mut linter = arguments.known.linter()?;
    if let Some(content_type) = &arguments.content_type {
        linter = linter.sent_as(content_type);
    }
    let answer = Response::new(arguments.status, [], input::text(&arguments.body)?.into_bytes());
    let explanation =
        linter.explain(input::text(&arguments.set)?.trim(), &answer).in_language(Language::Command);
    if json {
        let possible = explanation.possible().iter();
        let shown = json!({
            "delivered": explanation.is_delivered(),
            "reason": explanation.reason(),
            "cause": explanation.cause(),
            "remedy": explanation.remedy(),
            "said": explanation.said(),
            "possible": possible.map(|other| json!({ "cause": other.cause, "remedy": other.remedy })).collect::<Vec<_>>(),
            "findings": explanation.findings().iter().map(output::finding).collect::<Vec<Value>>(),
        });
        return print(&serde_json::to_string_pretty(&shown)?);
    }
    print(&format!("{}\n    {}", explanation.cause(), explanation.remedy()))?;
    for other in explanation.possible() {
        print(&format!("or: {}\n    {}", other.cause, other.remedy))?;
    }
    Ok(())
}
