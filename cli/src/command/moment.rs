//! Times on the command line.

use std::time::Duration;

use ssf_transmitter::Timestamp;

/// Reads a time: `now`, seconds since 1970, or a date and time such as `2026-11-29T08:30:00Z` (RFC 3339).
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    if text == "now" {
        return Ok(Timestamp::now());
    }
    if let Ok(seconds) = text.parse::<i64>() {
        // As JSON, so that milliseconds are distinguished from seconds as everywhere else.
        return serde_json::from_value(seconds.into())
            .map_err(|_| "milliseconds: use seconds since 1970".to_owned());
    }
    Timestamp::from_rfc3339(text)
        .ok_or_else(|| "write now, seconds since 1970, or a time such as 2026-11-29T08:30:00Z".to_owned())
}

/// A point in time, or how long ago it was.
pub(super) fn ago(text: &str) -> Result<Timestamp, String> {
    let ago = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return None,
        };
        let seconds = number.parse::<u64>().ok()?.checked_mul(seconds)?;
        Some(Timestamp::now().minus(Duration::from_secs(seconds)))
    };
    let moment = Timestamp::from_rfc3339(text).or_else(ago);
    moment.ok_or_else(|| "must be like 90s, 15m, 1h or 7d, or like 2026-11-29T13:05:00Z".to_owned())
}
