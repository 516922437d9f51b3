//! The settings of a dialect, as in its file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::settings::TimeUnit;
use crate::{
    catalogue::{EventType, Rule, Shape, SubjectFormat},
    error::{Error, ErrorCode, Result, pointer_step},
    jose::Algorithm,
    subject::{Rename, is_uri},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) source: String,
    pub(crate) set: SetRules,
    pub(crate) subject: SubjectRules,
    pub(crate) time: TimeRules,
    pub(crate) delivery: DeliveryRules,
    pub(crate) accept: AcceptRules,
    pub(crate) streams: StreamRules,
    /// Other URIs for events of the catalogue, by id.
    #[serde(default)]
    pub(crate) uris: BTreeMap<String, String>,
    /// Rules for single events, by id or, for those that the catalogue does not know, by URI.
    #[serde(default)]
    pub(crate) events: BTreeMap<String, EventRules>,
    /// How bad findings are, by the id of their rule, where it is not as bad as for all.
    #[serde(default)]
    pub(crate) lint: BTreeMap<String, Level>,
    /// What is known of the receiver's answers.
    #[serde(default)]
    pub(crate) answers: AnswerRules,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerRules {
    /// Descriptions name members in camelCase.
    #[serde(default)]
    pub(crate) camel_case: bool,
    /// How descriptions call events, with `{}` for the event.
    pub(crate) event_names: Option<String>,
    /// What phrases of descriptions mean.
    #[serde(default)]
    pub(crate) phrases: BTreeMap<String, String>,
    /// Why a SET may be accepted and nothing happens.
    #[serde(default)]
    pub(crate) silent: Vec<Reason>,
    /// What else a code may mean.
    #[serde(default)]
    pub(crate) misleading: Vec<Misleading>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    pub(crate) cause: String,
    pub(crate) remedy: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Misleading {
    pub(crate) err: String,
    pub(crate) cause: String,
    pub(crate) remedy: String,
}

/// How bad a finding is; `off`: it is none.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Level {
    Off,
    Note,
    Warning,
    Error,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetRules {
    pub(crate) max_events: usize,
    pub(crate) audience: AudienceForm,
    pub(crate) txn: Txn,
    pub(crate) toe: bool,
    pub(crate) kid: bool,
    pub(crate) algorithms: Vec<String>,
    pub(crate) only_known_claims: bool,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AudienceForm {
    Any,
    String,
    /// One string, the URL of an org.
    Org,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Txn {
    Generate,
    Optional,
    Omit,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubjectRules {
    pub(crate) sub_id: bool,
    pub(crate) in_event: InEvent,
    pub(crate) shape: Shape,
    pub(crate) formats: Vec<String>,
    pub(crate) wrap: Option<String>,
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// The formats by which the receiver finds its users.
    #[serde(default)]
    pub(crate) user_formats: Vec<String>,
    #[serde(default)]
    pub(crate) rename: BTreeMap<String, Rename>,
    /// Forms that a page of the receiver prints, against others of its pages.
    #[serde(default)]
    pub(crate) printed: Vec<PrintedSubject>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrintedSubject {
    pub(crate) shape: Shape,
    /// The formats for which it is printed.
    pub(crate) formats: Vec<String>,
    /// Which pages disagree.
    pub(crate) conflict: String,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InEvent {
    AsDefined,
    Always,
    Never,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeRules {
    pub(crate) unit: TimeUnit,
    pub(crate) member: String,
    /// Why milliseconds are disputed, where a page of the receiver prints them against others of its pages.
    pub(crate) disputed: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryRules {
    pub(crate) path: Option<String>,
    pub(crate) success: Success,
    pub(crate) authorization: Authorization,
    /// Answers by which the receiver says that it has the SET already.
    pub(crate) duplicates: Vec<Duplicate>,
}

/// An answer that says "I have it".
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Duplicate {
    pub(crate) status: u16,
    /// The `err` that comes with it; without one, the status says enough.
    pub(crate) err: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub(crate) enum Success {
    #[serde(rename = "202")]
    Accepted,
    #[serde(rename = "2xx")]
    AnySuccess,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Authorization {
    Any,
    Required,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptRules {
    pub(crate) only_listed: bool,
}

/// How the receiver calls the stream API of a transmitter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamRules {
    /// It sets the `aud` of its streams.
    pub(crate) receiver_audience: bool,
    /// It names no stream where it has only one.
    pub(crate) optional_stream_id: bool,
    /// It expects a verification event when it has created a stream.
    pub(crate) verifies_new: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventRules {
    /// Members that must be there.
    #[serde(default)]
    pub(crate) required: Vec<String>,
    /// Members of which one must be there.
    #[serde(default)]
    pub(crate) any_of: Vec<String>,
    /// Languages that each text by language must have.
    #[serde(default)]
    pub(crate) languages: Vec<String>,
    /// Subject formats that are taken, instead of those for all events.
    pub(crate) formats: Option<Vec<String>>,
    /// As for all events.
    pub(crate) wrap: Option<String>,
    /// Where its subject is, if not where those of all events are.
    pub(crate) subject: Option<EventSubject>,
    /// The values that a member may have.
    #[serde(default)]
    pub(crate) values: BTreeMap<String, Vec<String>>,
    /// Other spellings of the values of a member.
    #[serde(default)]
    pub(crate) spelling: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EventSubject {
    /// Nowhere: the event is sent without a subject.
    None,
    /// At the top level.
    SubId,
}

impl EventRules {
    /// Whether a member is named here, so that it is known.
    pub(crate) fn names(&self, member: &str) -> bool {
        self.required.iter().chain(&self.any_of).any(|name| name == member)
    }
}

impl Data {
    /// What the types do not say.
    pub(super) fn check(&self) -> Result<()> {
        let invalid = |pointer: String, message: &str| {
            Err(Error::new(ErrorCode::DialectInvalid, format!("in the dialect {}: {message}", self.id))
                .at(pointer))
        };
        if self.id.is_empty() {
            return invalid("/id".to_owned(), "the id is empty");
        }
        if self.set.max_events == 0 {
            return invalid("/set/max_events".to_owned(), "max_events must be at least 1");
        }
        for (index, name) in self.set.algorithms.iter().enumerate() {
            if name.parse::<Algorithm>().is_err() {
                return invalid(format!("/set/algorithms/{index}"), "not a signature algorithm");
            }
        }
        // Any other status means something else already.
        if let Some(index) =
            self.delivery.duplicates.iter().position(|answer| !(400..500).contains(&answer.status))
        {
            return invalid(
                format!("/delivery/duplicates/{index}/status"),
                "expected a status from 400 to 499",
            );
        }
        let formats = |names: &[String], place: &str| match names
            .iter()
            .position(|name| SubjectFormat::by_name(name).is_none())
        {
            Some(index) => invalid(format!("{place}/{index}"), "not a subject identifier format"),
            None => Ok(()),
        };
        formats(&self.subject.formats, "/subject/formats")?;
        formats(&self.subject.user_formats, "/subject/user_formats")?;
        for (index, printed) in self.subject.printed.iter().enumerate() {
            formats(&printed.formats, &format!("/subject/printed/{index}/formats"))?;
        }
        for (name, rules) in &self.events {
            let place = format!("/events{}", pointer_step(name));
            if EventType::by_id(name).is_none() && !is_uri(name) {
                return invalid(place, "neither an event id nor a URI");
            }
            formats(rules.formats.as_deref().unwrap_or_default(), &format!("{place}/formats"))?;
        }
        if let Some(id) = self.lint.keys().find(|id| Rule::by_id(id).is_none()) {
            return invalid(format!("/lint{}", pointer_step(id)), "unknown lint rule");
        }
        for (id, uri) in &self.uris {
            if EventType::by_id(id).is_none() || !is_uri(uri) {
                let message = "the key must be an event id, and the value a URI";
                return invalid(format!("/uris{}", pointer_step(id)), message);
            }
        }
        Ok(())
    }
}
