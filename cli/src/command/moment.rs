//! Times on the command line.

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
