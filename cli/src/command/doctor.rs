//! `ssf doctor`: checks a setup end to end.

use console::{measure_text_width, style};
use serde_json::{Value, json};
use ssf_transmitter::{
    catalogue::Language,
    client::{Check, Outcome},
};

use super::{
    Class, Failure, Result, addressee::Addressee, block_on, config::ConfigFile, confirm::Confirmation, print,
    route::Route, signal::Signal,
};

/// Check a setup end to end: documents, keys, TLS, clock, token, and a SET
///
/// Sends nothing to the receiver without `--send`. Fails if a check fails.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    to: Addressee,
    #[command(flatten)]
    route: Route,
    #[command(flatten)]
    signal: Signal,
    /// The URL of the transmitter configuration, if it is not the default for the issuer
    #[arg(long, value_name = "URL")]
    configuration: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
    /// Send the SET too
    #[arg(long)]
    send: bool,
    #[command(flatten)]
    confirm: Confirmation,
}

pub(crate) fn run(arguments: Arguments, json: bool) -> Result {
    let Arguments { to, route, signal, configuration, config, send, confirm } = arguments;
    let config = config.read()?;
    let config = config.as_ref();
    let receiver = route.receiver(&to, None, config)?;
    let (event, subject, transmitter) =
        (signal.content.event()?, signal.content.subject()?, signal.transmitter(&route, config)?);
    let providers = confirm.providers(&to, &route.network, config)?;
    let diagnosis = block_on(async {
        let mut doctor = transmitter.doctor(event, subject, &receiver);
        if let Some(url) = configuration {
            doctor = doctor.configuration_url(url);
        }
        if let Some(providers) = &providers {
            doctor = doctor.confirm(providers);
        }
        // A SET that is not sent is not looked for.
        Ok(if send || providers.is_some() { doctor.send().await } else { doctor.await })
    })?;
    let diagnosis = diagnosis.in_language(Language::Command);
    for check in diagnosis.checks() {
        if json {
            print(&shown(check).to_string())?;
        } else {
            let mark = mark(check.outcome);
            print(&format!("{mark} {}: {}", check.id, check.message))?;
            if !check.remedy.is_empty() {
                print(&format!("{} {}", " ".repeat(measure_text_width(&mark)), check.remedy))?;
            }
        }
    }
    let failed = diagnosis.checks().iter().filter(|check| check.outcome == Outcome::Failed).count();
    match failed {
        0 => Ok(()),
        1 => Err(Failure::new(Class::Findings, "1 check failed")),
        _ => Err(Failure::new(Class::Findings, format!("{failed} checks failed"))),
    }
}

fn shown(check: &Check) -> Value {
    json!({
        "id": check.id,
        "outcome": check.outcome.as_str(),
        "message": check.message,
        "remedy": check.remedy,
        "duration_ms": u64::try_from(check.duration.as_millis()).unwrap_or(u64::MAX),
    })
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
