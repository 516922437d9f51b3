//! The reception of a SET in an org.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::json;

use super::{CauseKind, LogEvent, Sent, matching::Providers};
use crate::{catalogue::EventType, dialect::Dialect, okta::ProviderStatus, web::differ_by_slash};

/// The outcome for a SET that an org answered with 202.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ReceptionOutcome {
    /// It arrived, and Okta evaluated the risk of its user afterwards.
    Judged,
    /// It arrived.
    Arrived,
    /// It was not seen, for a certain cause.
    Dropped,
    /// It was not seen by the deadline.
    NotSeen,
}

impl ReceptionOutcome {
    /// Its name: `judged`, `arrived`, `dropped` or `not-seen`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Judged => "judged",
            Self::Arrived => "arrived",
            Self::Dropped => "dropped",
            Self::NotSeen => "not-seen",
        }
    }

    /// Whether the SET arrived.
    pub const fn has_arrived(self) -> bool {
        matches!(self, Self::Judged | Self::Arrived)
    }
}

/// The certainty that an entry of the log is about the SET. Okta documents no member for the `jti`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Certainty {
    /// The time matches, and the entry names no other user or provider.
    Possible,
    /// It names the provider and the user, and the time matches.
    Likely,
    /// It names the `jti`.
    Exact,
}

impl Certainty {
    /// Its name: `possible`, `likely` or `exact`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Exact => "exact",
        }
    }
}

/// Why a SET may not have arrived.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Cause {
    kind: CauseKind,
    is_certain: bool,
}

impl Cause {
    /// Which one.
    pub fn kind(self) -> CauseKind {
        self.kind
    }

    /// Whether the cause is certain, not just possible.
    pub fn is_certain(self) -> bool {
        self.is_certain
    }
}

/// The reception of a SET in an org: from [`Confirmation`](super::Confirmation), or from
/// [`OktaProviders::received`](crate::client::OktaProviders::received). As JSON it has the names and texts of all of it.
#[derive(Clone)]
pub struct Reception {
    outcome: ReceptionOutcome,
    certainty: Option<Certainty>,
    events: Vec<LogEvent>,
    causes: Vec<Cause>,
}

impl Reception {
    /// The SET arrived, by this entry, and was judged by that one.
    pub(super) fn arrived(certainty: Certainty, arrival: LogEvent, judgement: Option<LogEvent>) -> Self {
        let outcome = match judgement {
            Some(_) => ReceptionOutcome::Judged,
            None => ReceptionOutcome::Arrived,
        };
        let events = [arrival].into_iter().chain(judgement).collect();
        Self { outcome, certainty: Some(certainty), events, causes: Vec::new() }
    }

    pub(super) fn missing(sent: &Sent, providers: &Providers) -> Self {
        let causes = causes(sent, providers);
        let is_certain = causes.first().is_some_and(|cause| cause.is_certain);
        let outcome = if is_certain { ReceptionOutcome::Dropped } else { ReceptionOutcome::NotSeen };
        Self { outcome, certainty: None, events: Vec::new(), causes }
    }

    /// The outcome.
    pub fn outcome(&self) -> ReceptionOutcome {
        self.outcome
    }

    /// The certainty that the entries are about the SET; `None` if there are none.
    pub fn certainty(&self) -> Option<Certainty> {
        self.certainty
    }

    /// The entries of the log about the arrival and the risk evaluation.
    pub fn events(&self) -> &[LogEvent] {
        &self.events
    }

    /// Why the SET may not have arrived: certain causes first, then likely ones, the likeliest first. Empty if it
    /// arrived.
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }
}

fn causes(sent: &Sent, providers: &Providers) -> Vec<Cause> {
    let certain = |kind| Cause { kind, is_certain: true };
    let mut causes: Vec<_> = provider_cause(sent, providers).map(certain).into_iter().collect();
    let is_taken = is_taken(&sent.event);
    if !is_taken {
        causes.push(certain(CauseKind::EventNotTaken));
    }
    let knows_providers = providers.all().is_some();
    let likely = [
        (CauseKind::UserUnknown, !sent.users.is_empty()),
        (CauseKind::JtiRepeated, true),
        (CauseKind::ProviderInactive, !knows_providers),
        (CauseKind::IssuerDiffers, !knows_providers),
        (CauseKind::EventNotTaken, is_taken),
    ];
    let likely = likely.into_iter().filter(|(_, is_likely)| *is_likely);
    causes.extend(likely.map(|(kind, _)| Cause { kind, is_certain: false }));
    causes
}

/// What the list of providers says against the SET.
fn provider_cause(sent: &Sent, providers: &Providers) -> Option<CauseKind> {
    let all = providers.all()?;
    if let Some(own) = providers.with_issuer(&sent.issuer) {
        return (*own.status() == ProviderStatus::Inactive).then_some(CauseKind::ProviderInactive);
    }
    let is_near =
        |issuer: &str| differ_by_slash(issuer, &sent.issuer) || issuer.eq_ignore_ascii_case(&sent.issuer);
    let differs = all.iter().filter_map(|provider| provider.issuer()).any(is_near);
    Some(if differs { CauseKind::IssuerDiffers } else { CauseKind::ProviderMissing })
}

/// Whether Okta lists the event among those that it takes.
fn is_taken(uri: &str) -> bool {
    EventType::by_uri(uri).is_some_and(|kind| Dialect::okta().data().events.contains_key(kind.id))
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { kind, is_certain } = self;
        let (id, cause, remedy) = (kind.as_str(), kind.meaning(), kind.remedy());
        json!({ "id": id, "certain": is_certain, "cause": cause, "remedy": remedy }).serialize(serializer)
    }
}

impl Serialize for Reception {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = json!({
            "outcome": self.outcome.as_str(),
            "certainty": self.certainty.map(Certainty::as_str),
            "events": self.events,
            "causes": self.causes,
        });
        value.serialize(serializer)
    }
}

impl fmt::Debug for Reception {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Reception")
            .field("outcome", &self.outcome)
            .field("certainty", &self.certainty)
            .field("events", &self.events)
            .field("causes", &self.causes)
            .finish()
    }
}
