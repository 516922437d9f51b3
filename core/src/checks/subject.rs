//! The place of the subject in a SET, and its format.

use serde_json::{Map, Value};

use super::{Report, events::OnWire};
use crate::{
    catalogue::EventMember,
    catalogue::rules,
    dialect::Dialect,
    error::pointer_step,
    json::ByName,
    subject::{FormProblem, SubjectShape, check_members},
};

/// A subject that was found.
struct Found {
    place: String,
    /// In the form of RFC 9493, whatever its form on the wire.
    members: Map<String, Value>,
    /// A page of the receiver prints it so, and others say otherwise.
    disputed: bool,
}

pub(super) fn check(report: &mut Report<'_>, claims: &Map<String, Value>, events: &[OnWire<'_>]) {
    let dialect = report.context.dialect;
    let top = sub_id(report, dialect, claims.member("sub_id"), events);
    for event in events {
        let inside = in_event(report, dialect, event);
        let at_top = dialect.is_at_top(event.rules);
        if !at_top && !event.members.has("subject") && dialect.has_no_place(event.kind, event.rules) {
            let message = format!("{} defines no place for the subject of this event", dialect.title());
            report.add(&rules::SUBJECT_MISSING, event.place("subject"), message);
        }
        let Some(subject) = inside.as_ref().or(top.as_ref().filter(|_| at_top)) else {
            continue;
        };
        formats(report, dialect, event, subject);
        users(report, dialect, subject);
        if let (Some(top), Some(inside)) = (&top, &inside)
            && at_top
            && !same(dialect, event, top, inside)
        {
            let message = "the subject in the event differs from sub_id";
            report.add(&rules::SUBJECTS_DIFFER, inside.place.as_str(), message);
        }
    }
}

/// The subject at the top level (SSF 1.0 §3.1).
fn sub_id(
    report: &mut Report<'_>,
    dialect: &Dialect,
    value: Option<&Value>,
    events: &[OnWire<'_>],
) -> Option<Found> {
    let only_known = dialect.data().set.only_known_claims;
    let at_top = dialect.data().subject.sub_id || events.iter().any(|event| dialect.is_at_top(event.rules));
    match value {
        None if at_top => {
            let inside = events.iter().any(|event| event.members.has("subject"));
            let message = if inside {
                "the subject is only in the event; it belongs in sub_id"
            } else {
                "the SET has no subject (sub_id)"
            };
            report.add(&rules::SUBJECT_MISSING, "/sub_id", message);
            None
        }
        None => None,
        Some(value) => {
            // Where unknown claims are refused, it is one of them.
            if !at_top && !only_known {
                let message = format!("{} looks for the subject inside the event", dialect.title());
                report.add(&rules::SUB_ID_NOT_WANTED, "/sub_id", message);
            }
            read(report, "/sub_id", value, &SubjectShape::MODERN)
        }
    }
}

/// The subject inside an event (SSF 1.0 §3.1.1, §3.1.2).
fn in_event(report: &mut Report<'_>, dialect: &Dialect, event: &OnWire<'_>) -> Option<Found> {
    let place = event.place("subject");
    let wanted = dialect.wants_subject(event.kind, event.rules);
    let Some(value) = event.members.member("subject") else {
        if wanted {
            let message = format!("{} looks for the subject inside the event", dialect.title());
            report.add(&rules::SUBJECT_MISSING, place, message);
        }
        return None;
    };
    let own = event.kind.is_some_and(|kind| kind.event_member != EventMember::Forbidden);
    if !wanted && !own {
        let message =
            format!("{} must not have its own subject; the subject belongs in sub_id", event.name());
        report.add(&rules::SUBJECT_IN_EVENT, place, message);
        return None;
    }
    let printed = value.as_object().and_then(|members| dialect.printed_subject(members));
    let Some((form, members)) = printed else {
        return read(report, &String::from(place), value, &dialect.subject_shape(event.kind, event.rules));
    };
    report.add(&rules::SUBJECT_FORM_DISPUTED, place, form.conflict.as_str());
    if let Err(error) = check_members(&members) {
        report.add_error(&String::from(place), &error);
        return None;
    }
    Some(Found { place: place.into(), members, disputed: true })
}

/// A subject identifier that is a member of an event, beside the subject itself.
pub(super) fn check_inner(
    report: &mut Report<'_>,
    dialect: &Dialect,
    event: &OnWire<'_>,
    name: &str,
    value: &Value,
) {
    let mut shape = dialect.subject_shape(event.kind, event.rules);
    shape.wrap = None;
    shape.members = &[];
    read(report, &String::from(event.place(name)), value, &shape);
}

/// The members of a subject in the form of RFC 9493.
fn read(report: &mut Report<'_>, place: &str, value: &Value, shape: &SubjectShape<'_>) -> Option<Found> {
    let Value::Object(members) = value else {
        report.add(&rules::SUBJECT_NOT_AN_OBJECT, place, "a subject identifier must be a JSON object");
        return None;
    };
    let members = match shape.read(members) {
        Ok(members) => members,
        Err(FormProblem { pointer, message, form }) => {
            let rule = if form { &rules::SUBJECT_FORM } else { &rules::SUBJECT_NOT_ACCEPTED };
            report.add(rule, format!("{place}{pointer}"), message);
            return None;
        }
    };
    if let Err(error) = check_members(&members) {
        report.add_error(place, &error);
        return None;
    }
    Some(Found { place: place.to_owned(), members, disputed: false })
}

/// Formats that the receiver takes, and those that the definition of the event allows.
fn formats(report: &mut Report<'_>, dialect: &Dialect, event: &OnWire<'_>, subject: &Found) {
    let by_dialect = event.rules.and_then(|rules| rules.formats.as_deref());
    let by_dialect = by_dialect.unwrap_or(&dialect.data().subject.formats);
    let by_event = event.kind.map_or(&[][..], |kind| kind.formats);
    if subject.disputed || by_dialect.is_empty() && by_event.is_empty() {
        return;
    }
    let own = format(&subject.members);
    let inner = |name: &str| subject.members.member(name).and_then(Value::as_object).map(format);
    // A simple subject that the dialect wraps is still that simple subject.
    let shape = dialect.subject_shape(event.kind, event.rules);
    let unwrapped = shape.wrap.filter(|_| subject.members.len() == 2).and_then(inner);
    let mut refuse = |who: &str, formats: &[&str]| {
        let discriminator = if subject.place == "/sub_id" { "format" } else { shape.discriminator() };
        let message = format!("{who} accepts subjects of format {}, not {own}", formats.join(", "));
        report.add(&rules::SUBJECT_NOT_ACCEPTED, format!("{}/{discriminator}", subject.place), message);
    };

    let taken = |format: &str| by_dialect.iter().any(|taken| taken == format);
    if !by_dialect.is_empty() && !taken(own) && !unwrapped.is_some_and(taken) {
        let by_dialect: Vec<_> = by_dialect.iter().map(String::as_str).collect();
        return refuse(dialect.title(), &by_dialect);
    }
    // A complex subject is about its user as far as the formats of an event are concerned.
    let user = inner("user").or(unwrapped);
    let named = |format: &str| by_event.contains(&format);
    if !by_event.is_empty() && !named(own) && !user.is_some_and(named) {
        refuse(&format!("the event {}", event.name()), by_event);
    }
}

/// The name of the format of an identifier.
fn format(members: &Map<String, Value>) -> &str {
    members.member("format").and_then(Value::as_str).unwrap_or_default()
}

/// Identifiers by which the receiver does not find its users.
fn users(report: &mut Report<'_>, dialect: &Dialect, subject: &Found) {
    let known = &dialect.data().subject.user_formats;
    let Some(Value::Object(user)) = subject.members.member("user") else {
        return;
    };
    if !known.is_empty() && !known.iter().any(|known| known == format(user)) {
        let message =
            format!("{} looks up users only by identifiers of format {}", dialect.title(), known.join(", "));
        report.add(
            &rules::USER_NOT_FOUND,
            format!("{}{}/format", subject.place, pointer_step("user")),
            message,
        );
    }
}

/// Whether the subject in the event is the one at the top.
fn same(dialect: &Dialect, event: &OnWire<'_>, top: &Found, inside: &Found) -> bool {
    let wrapped =
        dialect.subject_shape(event.kind, event.rules).wrap.and_then(|wrap| inside.members.member(wrap));
    top.members == inside.members || wrapped.and_then(Value::as_object) == Some(&top.members)
}
