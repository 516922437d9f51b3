//! Whether an entry of the System Log is about a SET. Okta documents no member that holds its `jti`: what is known of the SET
//! is looked for in actor, targets and debug data.

use serde_json::Value;

use super::{Certainty, LogEvent, RECEIVE_EVENT, RISK_DETECT, Sent};
use crate::okta::SecurityEventsProvider;

/// The providers of the org, as far as the token may read them.
#[derive(Debug, Default)]
pub(super) struct Providers(Option<Vec<SecurityEventsProvider>>);

impl Providers {
    pub(super) fn add(&mut self, page: Vec<SecurityEventsProvider>) {
        self.0.get_or_insert_default().extend(page);
    }

    /// A list that broke off says nothing about who is missing.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    pub(super) fn all(&self) -> Option<&[SecurityEventsProvider]> {
        self.0.as_deref()
    }

    /// The one with exactly this issuer.
    pub(super) fn with_issuer(&self, issuer: &str) -> Option<&SecurityEventsProvider> {
        self.all()?.iter().find(|provider| provider.issuer() == Some(issuer))
    }
}

/// How certain it is that an entry says that the SET arrived; `None` if it does not.
pub(super) fn arrival(event: &LogEvent, sent: &Sent, providers: &Providers) -> Option<Certainty> {
    if event.event_type() != RECEIVE_EVENT {
        return None;
    }
    if names(event, &sent.jti().to_lowercase()) {
        return Some(Certainty::Exact);
    }
    let is_too_early = event.published().is_none_or(|published| published < sent.since());
    if is_too_early || is_about_another_user(event, sent) {
        return None;
    }
    let own = providers.with_issuer(&sent.issuer);
    let is_by = |provider: &SecurityEventsProvider| {
        names(event, &provider.id().to_lowercase())
            || provider.issuer().is_some_and(|issuer| names(event, &issuer.to_lowercase()))
    };
    let is_own = names(event, &sent.issuer.to_lowercase())
        || own.is_some_and(|own| is_by(own) || names(event, &own.name().to_lowercase()));
    if !is_own && providers.all().unwrap_or_default().iter().any(is_by) {
        return None;
    }
    let is_likely = is_own && is_about_user(event, sent);
    Some(if is_likely { Certainty::Likely } else { Certainty::Possible })
}

/// Whether an entry says that Okta judged the risk of the user, after `arrival`.
pub(super) fn judgement(event: &LogEvent, sent: &Sent, arrival: &LogEvent) -> bool {
    event.event_type() == RISK_DETECT
        && event.published() >= arrival.published()
        && is_about_user(event, sent)
}

fn is_about_user(event: &LogEvent, sent: &Sent) -> bool {
    sent.users.iter().any(|user| names(event, user))
}

/// Whether it names users, and the user of the SET is none of them.
fn is_about_another_user(event: &LogEvent, sent: &Sent) -> bool {
    let names_user =
        event.targets().any(|target| target.kind() == Some("User") && target.alternate_id().is_some());
    names_user && !sent.users.is_empty() && !is_about_user(event, sent)
}

/// Whether one of the texts that say who and what holds `needle`, which is in lower case, as a whole word.
fn names(event: &LogEvent, needle: &str) -> bool {
    let members = event.members();
    let debug = event.debug_data().into_iter().flat_map(|data| data.values());
    !needle.is_empty()
        && ["actor", "target"]
            .iter()
            .filter_map(|name| members.get(*name))
            .chain(debug)
            .any(|value| holds(value, needle))
}

fn holds(value: &Value, needle: &str) -> bool {
    match value {
        Value::String(text) => holds_word(&text.to_lowercase(), needle),
        Value::Array(elements) => elements.iter().any(|element| holds(element, needle)),
        Value::Object(members) => members.values().any(|member| holds(member, needle)),
        _ => false,
    }
}

/// An id within a longer one is another id, an issuer with a slash behind it another issuer.
fn holds_word(text: &str, needle: &str) -> bool {
    let continues = |character: Option<char>| {
        character.is_some_and(|character| character.is_alphanumeric() || "-_.~/:@%+".contains(character))
    };
    text.match_indices(needle).any(|(start, found)| {
        !continues(text[..start].chars().next_back())
            && !continues(text[start + found.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::holds_word;

    #[test]
    fn a_word_is_found_whole() {
        for text in ["sse1", "{\"id\":\"sse1\"}", "x, sse1", "sse1;", "sse12 sse1"] {
            assert!(holds_word(text, "sse1"), "{text}");
        }
        for text in ["", "sse12", "asse1", "sse1-a", "éssé1", "sse1é", "sse1/"] {
            assert!(!holds_word(text, "sse1"), "{text}");
        }
        assert!(!holds_word("https://edr.example.com/", "https://edr.example.com"));
    }
}
