//! `ssf emit`: sends one SET.

use serde_json::{Value, json};
use ssf_transmitter::Receipt;

use super::{
    Result, addressee::Addressee, block_on, config::ConfigFile, confirm::Confirmation, output, route::Route,
    set, signal::Signal,
};

/// Build, sign and send one SET
///
/// Prints the receipt as JSON: notes on the answer, and the warnings of lint. With `--dry-run` nothing is sent, and the SET
/// is printed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    to: Addressee,
    #[command(flatten)]
    route: Route,
    #[command(flatten)]
    signal: Signal,
    #[command(flatten)]
    confirm: Confirmation,
    /// Send nothing; print header, claims and the SET
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    config: ConfigFile,
}

pub(crate) fn run(arguments: Arguments) -> Result {
    let Arguments { to, route, signal, confirm, dry_run, config } = arguments;
    let config = config.read()?;
    let config = config.as_ref();
    let receiver = route.receiver(&to, None, config)?;
    if dry_run {
        return output::print(&serde_json::to_string_pretty(&set::shown(
            &signal.set(&to, config)?.sign(&signal.key(config)?)?,
        )?)?);
    }
    let transmitter = signal.transmitter(&route, config)?;
    let emit = signal.emit(&transmitter, &receiver)?;
    let providers = confirm.providers(&to, &route.network, config)?;
    block_on(async { confirm.report(&emit.await?, providers.as_ref()).await })
}

/// A receipt as JSON.
pub(super) fn shown(receipt: &Receipt) -> Value {
    let notes: Vec<_> = receipt.notes().iter().map(|note| note.as_str()).collect();
    let findings: Vec<_> = receipt.findings().iter().map(output::finding).collect();
    json!({
        "jti": receipt.jti(),
        "status": receipt.status(),
        "attempts": receipt.attempts(),
        "notes": notes,
        "findings": findings,
    })
}
