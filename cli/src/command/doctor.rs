//! `ssf doctor`: checks a setup end to end.

use serde_json::json;
use ssf_transmitter::client::Outcome;

use super::{Result, block_on, print, signal::Signal};

/// Check a setup end to end: documents, keys, TLS, clock, token, and a SET
///
/// Nothing is sent to the receiver without `--send`. Fails if one of the checks does.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    signal: Signal,
    /// Where the transmitter configuration is, if it is not where the issuer says
    #[arg(long, value_name = "URL")]
    configuration: Option<String>,
    /// Send the SET too
    #[arg(long)]
    send: bool,
    /// Print the checks as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result {
    let Arguments { signal, configuration, send, json } = arguments;
    let (event, subject, receiver) = (signal.event()?, signal.subject()?, signal.receiver()?);
    let transmitter = signal.transmitter()?;
    let diagnosis = block_on(async {
        let mut doctor = transmitter.doctor(event, subject, &receiver);
        if let Some(url) = configuration {
            doctor = doctor.configuration_url(url);
        }
        Ok(if send { doctor.send().await } else { doctor.await })
    })?;
    for check in diagnosis.checks() {
        let outcome = check.outcome.as_str();
        if json {
            let shown = json!({ "id": check.id, "outcome": outcome, "message": check.message, "remedy": check.remedy });
            print(&shown.to_string())?;
        } else {
            print(&format!("{outcome:8} {}: {}", check.id, check.message))?;
            if !check.remedy.is_empty() {
                print(&format!("         {}", check.remedy))?;
            }
        }
    }
    let failed = diagnosis.checks().iter().filter(|check| check.outcome == Outcome::Failed).count();
    match failed {
        0 => Ok(()),
        1 => Err("1 check failed".into()),
        _ => Err(format!("{failed} checks failed").into()),
    }
}
