//! Whether the SET arrived in the org, by its System Log.

use super::{Check, OktaProviders, timed};
use crate::{
    delivery::Receipt,
    error::Error,
    okta::{Certainty, Reception, ReceptionOutcome},
};

const ID: &str = "okta-log";

/// There is nothing to look for.
pub(super) fn not_sent() -> Check {
    Check::skipped(ID, "no SET was sent that the log of the org could contain")
}

/// The outcome for the SET, if requested.
pub(super) async fn confirmed(
    providers: Option<&OktaProviders>,
    sent: &Result<Receipt, Error>,
) -> Option<Check> {
    let providers = providers?;
    let Ok(receipt) = sent else { return Some(not_sent()) };
    let (reception, duration) = timed(providers.received(receipt)).await;
    let check = match reception {
        Ok(reception) => judged(&reception),
        Err(error) => Check::of_error(ID, &error),
    };
    Some(check.took(duration))
}

fn judged(reception: &Reception) -> Check {
    let is_sure = reception.certainty() > Some(Certainty::Possible);
    match reception.outcome() {
        ReceptionOutcome::Judged if is_sure => {
            Check::passed(ID, "the SET arrived in the org, which evaluated the risk of the user")
        }
        ReceptionOutcome::Arrived if is_sure => Check::passed(ID, "the SET arrived in the org"),
        ReceptionOutcome::Judged | ReceptionOutcome::Arrived => Check::warning(
            ID,
            "a SET arrived in the org at the right time, but the log does not identify it",
            "Check the entry in the org's System Log.",
        ),
        ReceptionOutcome::Dropped | ReceptionOutcome::NotSeen => {
            let message = "the org accepted the SET, but the log did not contain it by the deadline";
            match reception.causes() {
                [] => Check::failed(ID, message, ""),
                [cause, ..] => {
                    let may = if cause.is_certain() { "" } else { "Possible cause: " };
                    let message = format!("{message}. {may}{}", cause.kind().meaning());
                    Check::failed(ID, message, cause.kind().remedy())
                }
            }
        }
    }
}
