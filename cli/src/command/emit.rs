//! `ssf emit`: sends one SET.

use serde_json::json;
use ssf_transmitter::SetBuilder;

use super::{Result, block_on, explained, print, signal::Signal};

/// Build, sign and send one SET
///
/// Prints the receipt as JSON, with notes on the answer and what lint warns of. With `--dry-run` nothing is sent, and the SET is printed.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    signal: Signal,
    /// The transaction: the same value in all SETs with the same cause
    #[arg(long)]
    txn: Option<String>,
    /// Send nothing; print header, claims and the SET
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result {
    let Arguments { signal, txn, dry_run } = arguments;
    let (event, subject, receiver) = (signal.event()?, signal.subject()?, signal.receiver()?);
    if dry_run {
        let mut set = SetBuilder::new(signal.issuer.as_str(), receiver.audience().clone())
            .dialect(receiver.dialect())
            .event(event);
        if let Some(subject) = subject {
            set = set.subject(subject);
        }
        if let Some(txn) = txn {
            set = set.txn(txn);
        }
        let set = set.sign(&signal.key()?).map_err(|error| explained(&error))?;
        let decoded = set.decode()?;
        let findings: Vec<_> = set.findings().iter().map(ToString::to_string).collect();
        let shown = json!({
            "header": decoded.header(),
            "claims": decoded.claims(),
            "set": set.as_str(),
            "findings": findings,
        });
        return print(&serde_json::to_string_pretty(&shown)?);
    }

    let transmitter = signal.transmitter()?;
    let sent = block_on(async {
        let mut emit = transmitter.emit(event, subject, &receiver);
        if let Some(txn) = txn {
            emit = emit.txn(txn);
        }
        Ok(emit.await)
    })?;
    match sent {
        Ok(receipt) => {
            let notes: Vec<_> = receipt.notes().iter().map(|note| note.as_str()).collect();
            let findings: Vec<_> = receipt.findings().iter().map(ToString::to_string).collect();
            print(
                &json!({ "jti": receipt.jti(), "status": receipt.status(), "notes": notes, "findings": findings })
                    .to_string(),
            )
        }
        Err(error) => Err(explained(&error).into()),
    }
}
