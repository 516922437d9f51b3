//! The checks of one receiver, or of what all share.

use ssf_transmitter::{
    catalogue::Language,
    client::{Check, Outcome},
};

/// The checks of one receiver, or of what all share.
pub(super) struct Section {
    /// Its name in `ssf.toml`, if it has one.
    pub(super) receiver: Option<String>,
    pub(super) checks: Vec<Check>,
}

impl Section {
    /// The texts name the options of the command.
    pub(super) fn new(receiver: Option<String>, checks: impl IntoIterator<Item = Check>) -> Self {
        let checks = checks.into_iter().map(|check| check.in_language(Language::Command)).collect();
        Self { receiver, checks }
    }

    pub(super) fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.outcome == Outcome::Failed)
    }
}
