//! Points in time, and the only place that reads the system clock.

mod rfc3339;

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Number, Value};

/// A point in time with millisecond precision.
///
/// As JSON it is a `NumericDate` (RFC 7519 §2): seconds since 1970-01-01T00:00:00Z, with a fraction where there is one.
///
/// ```
/// use ssf_transmitter::Timestamp;
///
/// let moment = Timestamp::from_unix_millis(1_615_304_991_643);
/// assert_eq!(moment.as_unix_seconds(), 1_615_304_991);
/// assert_eq!(serde_json::to_string(&moment)?, "1615304991.643");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp {
    millis: i64,
}

/// From this many seconds on (the year 5138) a number can only be meant as milliseconds.
pub(crate) const SECONDS_LIMIT: f64 = 1e11;

impl Timestamp {
    /// The present, by the system clock.
    pub fn now() -> Self {
        #[allow(clippy::disallowed_methods, reason = "this is the one place")]
        SystemTime::now().into()
    }

    /// From whole seconds since 1970-01-01T00:00:00Z.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self { millis: seconds.saturating_mul(1000) }
    }

    /// From milliseconds since 1970-01-01T00:00:00Z.
    pub const fn from_unix_millis(millis: i64) -> Self {
        Self { millis }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn as_unix_seconds(self) -> i64 {
        self.millis.div_euclid(1000)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_unix_millis(self) -> i64 {
        self.millis
    }

    /// This moment and `duration` more.
    pub fn plus(self, duration: std::time::Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self { millis: self.millis.saturating_add(millis) }
    }

    /// This moment and `duration` less.
    pub fn minus(self, duration: std::time::Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self { millis: self.millis.saturating_sub(millis) }
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> std::time::Duration {
        let millis = self.millis.saturating_sub(earlier.millis);
        std::time::Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }

    /// Seconds as JSON writes them, if they are plausible as seconds.
    #[allow(clippy::cast_possible_truncation, reason = "SECONDS_LIMIT keeps the product far inside i64")]
    pub(crate) fn from_json_seconds(number: &Number) -> Option<Self> {
        let seconds = number.as_f64().filter(|seconds| seconds.abs() < SECONDS_LIMIT)?;
        Some(match number.as_i64() {
            Some(whole) => Self::from_unix_seconds(whole),
            None => Self { millis: (seconds * 1000.0).round() as i64 },
        })
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let millis = |duration: std::time::Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self { millis: millis(after) },
            Err(before) => Self { millis: -millis(before.duration()) },
        }
    }
}

impl From<Timestamp> for Value {
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of any real date fit into 53 bits")]
    fn from(timestamp: Timestamp) -> Self {
        if timestamp.millis % 1000 == 0 {
            Self::from(timestamp.millis / 1000)
        } else {
            Self::from(timestamp.millis as f64 / 1000.0)
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from(*self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        Self::from_json_seconds(&number).ok_or_else(|| de::Error::custom("expected seconds since 1970"))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", Value::from(*self))
    }
}

/// Where the time comes from. A [`Timestamp`] is a clock that stands still, for tests and for replays.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that only goes forward: it starts at the system's time and counts from there, so that setting the system clock
/// neither shortens nor lengthens a wait.
#[derive(Clone, Copy, Debug)]
pub struct SteadyClock {
    wall: Timestamp,
    start: std::time::Instant,
}

impl SteadyClock {
    /// Starts to count.
    pub fn start() -> Self {
        #[allow(clippy::disallowed_methods, reason = "this is the one place")]
        Self { wall: Timestamp::now(), start: std::time::Instant::now() }
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.wall.plus(self.start.elapsed())
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

impl Clock for Timestamp {
    fn now(&self) -> Timestamp {
        *self
    }
}
