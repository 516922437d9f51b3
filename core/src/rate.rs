//! Rate limits: a token bucket for each caller, in bounded memory.

use std::{
    collections::HashMap,
    hash::Hash,
    mem,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::time::Timestamp;

/// How many requests one caller may send: `burst` at once, and `per_second` in the long run.
///
/// ```
/// use ssf_transmitter::stream::RateLimit;
///
/// let limit = RateLimit::per_second(5).burst(20);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    per_second: u32,
    burst: u32,
}

impl RateLimit {
    /// So many requests per second, and twice as many at once. At least one.
    pub const fn per_second(requests: u32) -> Self {
        let per_second = if requests == 0 { 1 } else { requests };
        Self { per_second, burst: per_second.saturating_mul(2) }
    }

    /// Sets how many may come at once. At least one.
    pub const fn burst(mut self, requests: u32) -> Self {
        self.burst = if requests == 0 { 1 } else { requests };
        self
    }

    /// Micros of a request: the unit of the buckets, so that no fraction is lost.
    fn price(self) -> u64 {
        1_000_000 / u64::from(self.per_second).min(1_000_000)
    }

    fn size(self) -> u64 {
        self.price().saturating_mul(self.burst.into())
    }
}

/// Token buckets by key.
///
/// The buckets are in two generations. When the young one is full, the old one is dropped and they change places: whoever
/// came lately is kept, and nothing is searched. A dropped bucket starts full again, which the size makes rare.
pub(crate) struct RateLimiter<K> {
    limit: RateLimit,
    capacity: usize,
    generations: Mutex<Generations<K>>,
}

struct Generations<K> {
    young: HashMap<K, Bucket>,
    old: HashMap<K, Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    /// In microseconds of waiting.
    level: u64,
    at: Timestamp,
}

impl<K: Clone + Eq + Hash> RateLimiter<K> {
    /// With room for so many keys.
    pub(crate) fn new(limit: RateLimit, capacity: usize) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new() };
        Self { limit, capacity: (capacity / 2).max(1), generations: Mutex::new(generations) }
    }

    /// Takes a request from the bucket of `key`, or says how long to wait until there is one.
    pub(crate) fn take(&self, key: &K, now: Timestamp) -> Result<(), Duration> {
        self.change(key, now, self.limit.price())
    }

    /// Whether [`take`](Self::take) would succeed.
    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client's authenticator asks"))]
    pub(crate) fn check(&self, key: &K, now: Timestamp) -> Result<(), Duration> {
        self.change(key, now, 0)
    }

    fn change(&self, key: &K, now: Timestamp, cost: u64) -> Result<(), Duration> {
        let (price, size) = (self.limit.price(), self.limit.size());
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        let known = generations.young.get(key).or_else(|| generations.old.get(key)).copied();
        let mut bucket = known.unwrap_or(Bucket { level: size, at: now });
        let since = u64::try_from(now.since(bucket.at).as_micros()).unwrap_or(u64::MAX);
        bucket = Bucket { level: bucket.level.saturating_add(since).min(size), at: now.max(bucket.at) };
        if bucket.level < price {
            return Err(Duration::from_micros(price - bucket.level));
        }
        if cost == 0 {
            return Ok(());
        }
        bucket.level -= cost;
        if !generations.young.contains_key(key) && generations.young.len() >= self.capacity {
            generations.old = mem::take(&mut generations.young);
        }
        generations.young.insert(key.clone(), bucket);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{RateLimit, RateLimiter};
    use crate::time::Timestamp;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(1_800_000_000_000 + millis)
    }

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let limiter = RateLimiter::new(RateLimit::per_second(4).burst(3), 100);
        for _ in 0..3 {
            assert_eq!(limiter.take(&"acme", at(0)), Ok(()));
        }
        assert_eq!(limiter.take(&"acme", at(0)), Err(Duration::from_millis(250)));
        assert_eq!(limiter.take(&"acme", at(100)), Err(Duration::from_millis(150)));
        assert_eq!(limiter.take(&"acme", at(250)), Ok(()));
        assert_eq!(limiter.take(&"acme", at(250)), Err(Duration::from_millis(250)));
        assert_eq!(limiter.take(&"other", at(250)), Ok(()), "each key has a bucket of its own");
        for _ in 0..3 {
            assert_eq!(limiter.take(&"acme", at(60_000)), Ok(()), "no more than the burst is saved");
        }
        assert!(limiter.take(&"acme", at(60_000)).is_err());
        // A clock that goes back neither fills nor empties the bucket.
        assert_eq!(limiter.take(&"acme", at(0)), Err(Duration::from_millis(250)));
    }

    #[test]
    fn a_check_takes_nothing() {
        let limiter = RateLimiter::new(RateLimit::per_second(1).burst(1), 100);
        for _ in 0..5 {
            assert_eq!(limiter.check(&1, at(0)), Ok(()));
        }
        limiter.take(&1, at(0)).unwrap();
        assert!(limiter.check(&1, at(0)).is_err());
    }

    #[test]
    fn memory_is_bounded_and_the_latest_callers_stay() {
        let limiter = RateLimiter::new(RateLimit::per_second(1).burst(1), 100);
        for key in 0..10_000 {
            limiter.take(&key, at(0)).unwrap();
            assert!(limiter.check(&key, at(0)).is_err());
        }
        let generations = limiter.generations.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 100);
        drop(generations);
        assert!(limiter.check(&9_960, at(0)).is_err(), "one of the latest 50 is remembered");
    }
}
