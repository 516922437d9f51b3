//! Whether the clock of this machine is that of the servers.

use std::time::Duration;

use super::Check;
use crate::{http::Response, time::Timestamp};

/// A clock that is further ahead or behind makes receivers refuse SETs.
const SKEW_FAILS: Duration = Duration::from_mins(1);

const SKEW_WARNS: Duration = Duration::from_secs(3);

/// That a server answered, and what its clock said.
pub(super) struct Answered {
    /// Its clock less ours, in seconds.
    ahead: i64,
    who: String,
}

impl Answered {
    pub(super) fn of(response: &Response, now: Timestamp, who: &str) -> Option<Self> {
        let there = response.date()?.as_unix_seconds();
        Some(Self { ahead: there - now.as_unix_seconds(), who: who.to_owned() })
    }
}

/// Whether our clock is that of the servers.
pub(super) fn clock(answered: &[Answered]) -> Check {
    const ID: &str = "clock";
    let Some(worst) = answered.iter().max_by_key(|answered| answered.ahead.abs()) else {
        return Check::skipped(ID, "no server sent a Date header");
    };
    let seconds = worst.ahead.unsigned_abs();
    let way = if worst.ahead < 0 { "ahead of" } else { "behind" };
    let message = format!("the local clock is {seconds} seconds {way} that of {}", worst.who);
    let remedy = "Synchronize the clock of this machine (NTP).";
    match Duration::from_secs(seconds) {
        skew if skew > SKEW_FAILS => Check::failed(ID, message, remedy),
        skew if skew > SKEW_WARNS => Check::warning(ID, message, remedy),
        _ => Check::passed(ID, "the local clock agrees with the servers"),
    }
}
