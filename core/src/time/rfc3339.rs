//! Dates as JSON APIs write them (RFC 3339 §5.6).

use super::Timestamp;

const MILLIS_PER_DAY: i64 = 86_400_000;
/// From 0000-03-01 to 1970-01-01, in days.
const EPOCH: i64 = 719_468;
/// The Gregorian calendar repeats after 400 years.
const DAYS_PER_ERA: i64 = 146_097;

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
        let (date, time) = text.split_at_checked(10)?;
        let [year, month, day] = fields(date, '-', [4, 2, 2])?;
        let time = time.strip_prefix(['T', 't', ' '])?;
        let (clock, rest) = time.split_at_checked(8)?;
        let [hour, minute, second] = fields(clock, ':', [2, 2, 2])?;
        let (millis, offset) = match rest.strip_prefix('.') {
            Some(rest) => {
                let end = rest.find(|digit: char| !digit.is_ascii_digit())?;
                let (fraction, offset) = rest.split_at(end);
                let thousandths = format!("{:0<3}", fraction.get(..3).unwrap_or(fraction));
                (thousandths.parse().ok().filter(|_| end > 0)?, offset)
            }
            None => (0, rest),
        };
        // A leap second is the first one of the next minute.
        let valid = (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second <= 60;
        let minutes = hour * 60 + minute - offset_minutes(offset)?;
        let millis: i64 = days(year, month, day) * MILLIS_PER_DAY + (minutes * 60 + second) * 1000 + millis;
        valid.then_some(Self { millis })
    }

    /// Writes it as date and time in UTC with milliseconds. Years beyond 9999 have more digits, and are no RFC 3339.
    ///
    /// ```
    /// use ssf_transmitter::Timestamp;
    ///
    /// let moment = Timestamp::from_unix_millis(1_615_304_991_643);
    /// assert_eq!(moment.to_rfc3339(), "2021-03-09T15:49:51.643Z");
    /// ```
    pub fn to_rfc3339(self) -> String {
        let (year, month, day) = date(self.millis.div_euclid(MILLIS_PER_DAY));
        let millis = self.millis.rem_euclid(MILLIS_PER_DAY);
        let (hour, minute) = (millis / 3_600_000, millis / 60_000 % 60);
        let (second, millis) = (millis / 1000 % 60, millis % 1000);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Three numbers of so many digits.
fn fields(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut next = |length| {
        let part = parts.next().filter(|part| part.len() == length)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?
    };
    let numbers = [next(digits[0])?, next(digits[1])?, next(digits[2])?];
    parts.next().is_none().then_some(numbers)
}

fn offset_minutes(offset: &str) -> Option<i64> {
    if offset.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, offset) = match offset.split_at_checked(1)? {
        ("+", offset) => (1, offset),
        ("-", offset) => (-1, offset),
        _ => return None,
    };
    let [hours, minutes, _] = fields(&format!("{offset}:00"), ':', [2, 2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn days_in(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days(next_year, next_month, 1) - days(year, month, 1)
}

/// Days since 1970-01-01. Years begin in March here, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * DAYS_PER_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH
}

/// Year, month and day: the inverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let (era, day) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
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
