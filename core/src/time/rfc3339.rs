//! Dates as JSON APIs write them (RFC 3339 §5.6).

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::Timestamp;

/// The first and the last millisecond of the years 0000 to 9999.
const YEARS: (i64, i64) = (-62_167_219_200_000, 253_402_300_799_999);

impl Timestamp {
    /// Reads a date and time with an offset from UTC, such as `2026-11-29T13:05:00.250Z`; what is finer than a millisecond is
    /// cut off. `None` if it is none.
    ///
    /// ```
    /// use ssf_transmitter::Timestamp;
    ///
    /// let moment = Timestamp::from_rfc3339("2021-03-09T16:49:51.643+01:00");
    /// assert_eq!(moment, Some(Timestamp::from_unix_millis(1_615_304_991_643)));
    /// assert_eq!(Timestamp::from_rfc3339("yesterday"), None);
    /// ```
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        Some(Self { millis: i64::try_from(millis).ok()? })
    }

    /// Writes it as date and time in UTC with milliseconds. RFC 3339 has the years 0000 to 9999: what is earlier or later is
    /// written as the first or the last moment.
    ///
    /// ```
    /// use ssf_transmitter::Timestamp;
    ///
    /// let moment = Timestamp::from_unix_millis(1_615_304_991_643);
    /// assert_eq!(moment.to_rfc3339(), "2021-03-09T15:49:51.643Z");
    /// ```
    pub fn to_rfc3339(self) -> String {
        let millis = self.millis.clamp(YEARS.0, YEARS.1);
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        let (hour, minute, second, millis) = moment.to_hms_milli();
        format!("{}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z", moment.date())
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn every_day_is_written_and_read_again() {
        // From 1600 to 2400 in steps that meet every day of the year.
        for day in (-135_140..=157_300).step_by(7) {
            let moment = Timestamp::from_unix_seconds(day * 86_400 + 3_601);
            let text = moment.to_rfc3339();
            assert_eq!(Timestamp::from_rfc3339(&text), Some(moment), "{text}");
            // Another implementation agrees.
            if day >= 0 {
                let known = std::time::UNIX_EPOCH
                    + std::time::Duration::from_secs(u64::try_from(moment.as_unix_seconds()).unwrap());
                let theirs = httpdate::fmt_http_date(known);
                assert_eq!(&theirs[5..7], &text[8..10], "{theirs} {text}");
                assert_eq!(&theirs[12..16], &text[..4], "{theirs} {text}");
            }
        }
    }

    #[test]
    fn what_is_beyond_the_years_is_written_as_their_end() {
        for (millis, text) in [
            (i64::MIN, "0000-01-01T00:00:00.000Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::from_unix_millis(millis).to_rfc3339(), text);
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-11-29",
            "2026-11-29T13:05:00",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-11-31T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-11-29T24:00:00Z",
            "2026-11-29T13:05:00.Z",
            "2026-11-29T13:05:00+1:00",
            "2026-11-29T13:05:00+01:00:00",
            "2026-11-29T13:05:00+25:00",
            "+026-11-29T13:05:00Z",
            "2026-11-2éT13:05:00Z",
            "2026-11-29T13:05:00Zulu",
        ] {
            assert_eq!(Timestamp::from_rfc3339(text), None, "{text}");
        }
        assert!(Timestamp::from_rfc3339("2024-02-29t23:59:60.123456789z").is_some());
    }
}
