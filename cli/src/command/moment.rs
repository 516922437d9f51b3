//! Times on the command line.

use ssf_transmitter::Timestamp;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

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
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "write now, seconds since 1970, or a time such as 2026-11-29T08:30:00Z")?;
    let millis = i64::try_from(time.unix_timestamp_nanos() / 1_000_000);
    millis.map(Timestamp::from_unix_millis).map_err(|_| "the time is out of range".to_owned())
}
