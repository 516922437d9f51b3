//! A running script: which fault is next.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::{Fault, On, Rule, Script, When};

/// A script and how far each of its rules has counted.
pub(crate) struct Running {
    script: Script,
    counts: Vec<AtomicU64>,
}

/// The script that runs now.
pub(crate) struct Current(RwLock<Arc<Running>>);

impl Current {
    pub(crate) fn new(script: Script) -> Self {
        Self(RwLock::new(Arc::new(Running::new(script))))
    }

    /// For one request: what is switched meanwhile is for the next one.
    pub(crate) fn running(&self) -> Arc<Running> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn switch(&self, script: Script) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Running::new(script));
    }
}

/// What rules ask about a push.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// `iss`, as the SET has it.
    pub(crate) issuer: Option<String>,
    /// Whether the header names a key that is not in the cache.
    pub(crate) has_new_key: bool,
}

impl Running {
    pub(crate) fn new(script: Script) -> Self {
        Self { counts: script.rules.iter().map(|_| AtomicU64::new(0)).collect(), script }
    }

    /// Whether there are rules that ask what is in a SET.
    pub(crate) fn looks_inside(&self) -> bool {
        self.script.rules.iter().any(|rule| rule.issuer.is_some() || rule.fault == Fault::JwksStale)
    }

    /// Counts, and answers what goes wrong.
    pub(crate) fn next(&self, on: On, seen: &Seen) -> Option<&Fault> {
        let mut next = None;
        for (position, (rule, count)) in (0..).zip(self.script.rules.iter().zip(&self.counts)) {
            if !rule.is_about(on, seen) {
                continue;
            }
            let count = count.fetch_add(1, Ordering::Relaxed) + 1;
            let draw = || draw(self.script.seed, position, count);
            if next.is_none() && rule.when.is(count, draw) {
                next = Some(match &rule.fault {
                    Fault::OneOf(faults) => one_of(faults, draw()),
                    fault => fault,
                });
            }
        }
        next
    }
}

impl Rule {
    fn is_about(&self, on: On, seen: &Seen) -> bool {
        self.on == on
            && (self.issuer.is_none() || self.issuer == seen.issuer)
            && (self.fault != Fault::JwksStale || seen.has_new_key)
    }
}

impl When {
    fn is(self, count: u64, draw: impl Fn() -> u64) -> bool {
        match self {
            Self::Always => true,
            Self::Nth(n) => count == n,
            Self::From(n) => count >= n,
            Self::First(n) => count <= n,
            Self::Every(n) => count.is_multiple_of(n),
            Self::Percent(percent) => share(draw()) * 100.0 < percent,
        }
    }
}

/// A number that follows from the seed, the rule and the count, and shows no pattern: the output function of
/// `SplitMix64` (Steele, Lea, Flood, 2014).
fn draw(seed: u64, rule: u64, count: u64) -> u64 {
    scramble(scramble(scramble(seed) ^ rule) ^ count)
}

fn scramble(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The upper half of a number as a share of one.
fn share(number: u64) -> f64 {
    f64::from(u32::try_from(number >> 32).unwrap_or(u32::MAX)) / 4_294_967_296.0
}

/// By the lower half, since the upper one has decided already whether there is a fault at all.
fn one_of(faults: &[Fault], number: u64) -> &Fault {
    let position = (number & 0xffff_ffff) % faults.len().max(1) as u64;
    &faults[usize::try_from(position).unwrap_or_default()]
}
