//! Whether an outbox can be used, and what it holds.

use std::fmt::Write as _;

use super::{Check, LIMIT, timed};
use crate::{
    error::{Error, Result},
    outbox::{Counts, Outbox, StoreHealth},
};

const ID: &str = "outbox";

impl Check {
    /// The check `outbox`: whether an outbox opens and answers, how much waits in it, and what needs a person. It sends
    /// nothing, and takes less than ten seconds.
    ///
    /// ```
    /// use ssf_transmitter::{client::Check, outbox::{MemoryStore, Outbox}};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let check = Check::outbox(async { Ok(Outbox::new(MemoryStore::new())) }).await;
    /// assert_eq!(check.message, "the outbox opens; waiting: 0");
    /// # });
    /// ```
    pub async fn outbox(open: impl IntoFuture<Output = Result<Outbox>>) -> Self {
        let look = async {
            let outbox = open.await?;
            Ok::<_, Error>((outbox.counts().await?, outbox.health().await?))
        };
        let (found, duration) = timed(tokio::time::timeout(LIMIT, look)).await;
        let check = match found {
            Ok(Ok((counts, health))) => judged(&counts, &health),
            Ok(Err(error)) => Self::of_error(ID, &error),
            Err(_) => {
                let remedy = "Check the database and the network.";
                Self::failed(ID, "the outbox did not answer in time", remedy)
            }
        };
        check.took(duration)
    }

    /// Nobody has opened the outbox yet.
    pub(crate) fn no_outbox_yet() -> Self {
        Self::skipped(
            ID,
            "the file of the outbox is not there yet; the first program that opens it creates it",
        )
    }
}

fn judged(counts: &Counts, health: &StoreHealth) -> Check {
    let mut message = format!("the outbox opens; waiting: {}", counts.waiting);
    if let Some(oldest) = health.oldest_waiting {
        let _ = write!(message, " (the oldest since {})", oldest.to_rfc3339());
    }
    let refused = health.refused.unwrap_or_default();
    for (what, count) in [("dead", counts.dead), ("refused", refused), ("paused receivers", health.paused)] {
        if count > 0 {
            let _ = write!(message, ", {what}: {count}");
        }
    }
    let remedy = match (counts.dead + refused, health.paused) {
        (0, 0) => return Check::passed(ID, message),
        (0, _) => {
            "Look at the last failure of each paused receiver, and fix its cause; deliveries then go on."
        }
        _ => "Look at the failures, fix their causes, and replay the deliveries.",
    };
    Check::warning(ID, message, remedy)
}
