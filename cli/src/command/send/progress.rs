//! The progress on standard error, if that is a terminal.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::super::output::say;

const OF_A_FILE: &str = "{bar:24} {percent:>3}%  {msg}  {eta} left";
const OF_A_PIPE: &str = "{spinner} {msg}  {elapsed}";

pub(super) struct Progress {
    bar: ProgressBar,
    /// Lines that ended before this run.
    earlier: u64,
}

impl Progress {
    /// Of an input with this many bytes, if they are known.
    pub(super) fn new(length: Option<u64>, earlier: u64) -> Self {
        let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = if length.is_some() { OF_A_FILE } else { OF_A_PIPE };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, earlier }
    }

    /// Shows how far it has come.
    pub(super) fn show(&self, position: u64, accepted: u64, failed: u64) {
        let rate = per_second(accepted + failed - self.earlier, self.bar.elapsed());
        let (accepted, failed) = (HumanCount(accepted), HumanCount(failed));
        self.bar.set_message(format!("{accepted} accepted  {failed} failed  {}/s", HumanCount(rate)));
        self.bar.set_position(position);
    }

    /// Says something above it.
    pub(super) fn say(&self, line: &str) {
        self.bar.suspend(|| say(line));
    }

    /// What was read so far was sent by an earlier run: it says nothing of the time that remains.
    pub(super) fn skipped(&self, position: u64) {
        self.bar.set_position(position);
        self.bar.reset_eta();
    }

    /// How long it took.
    pub(super) fn finish(&self) -> Duration {
        self.bar.finish_and_clear();
        self.bar.elapsed()
    }
}

/// How many of them in a second.
pub(super) fn per_second(number: u64, time: Duration) -> u64 {
    let nanoseconds = time.as_nanos().max(1);
    u64::try_from(u128::from(number) * 1_000_000_000 / nanoseconds).unwrap_or(u64::MAX)
}
