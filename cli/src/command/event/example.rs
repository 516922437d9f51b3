//! Examples of events: a SET with made-up values that the receiver takes.

use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Algorithm, ComplexSubject, CustomEvent, Dialect, Error, ErrorCode, SetBuilder, Subject, Timestamp,
    catalogue::{EVENTS, EventType, Field, FieldType, MemberKind, Status},
    key::SigningHeader,
};

/// A time that examples have: 2026-01-01.
const MOMENT: Timestamp = Timestamp::from_unix_seconds(1_767_225_600);
/// The transaction of examples.
const TRANSACTION: &str = "incident-4711";
/// What companions travel beside.
const MAIN_EVENT: &str = "risc.account-purged";

/// An event that a receiver takes.
pub(in super::super) struct Example {
    pub(in super::super) event: CustomEvent,
    pub(in super::super) subject: Option<Subject>,
    /// The claims of a SET with both.
    claims: Map<String, Value>,
}

/// The claims of a SET with the event and all members that the receiver knows, or those that it needs.
pub(in super::super) fn claims(
    event: &'static EventType,
    dialect: &Dialect,
) -> Result<Map<String, Value>, Error> {
    Ok(find(event, dialect)?.claims)
}

/// The first event of the catalogue that the receiver takes.
pub(in super::super) fn of_receiver(dialect: &Dialect) -> Result<Example, Error> {
    let usual =
        |event: &&EventType| !event.companion && event.status != Status::Deprecated && dialect.takes(event);
    let mut refused = None;
    for event in EVENTS.iter().filter(usual) {
        match find(event, dialect) {
            Ok(example) => return Ok(example),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| {
        Error::new(ErrorCode::EventNotAccepted, "the receiver takes no event of the catalogue")
    }))
}

fn find(event: &'static EventType, dialect: &Dialect) -> Result<Example, Error> {
    let known = |field: &&Field| field.only_for.is_none_or(|receiver| receiver == dialect.id());
    let all: Vec<_> = event.fields.iter().filter(known).collect();
    let needed: Vec<_> = all.iter().copied().filter(|field| field.required).collect();
    let attempts = [all, needed].into_iter().flat_map(|fields| {
        subjects(event).into_iter().map(move |subject| prepare(event, dialect, &fields, subject))
    });
    let mut refused = None;
    for attempt in attempts {
        match attempt {
            Ok(example) => return Ok(example),
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    Err(refused.unwrap_or_else(|| Error::new(ErrorCode::SubjectNotAccepted, "no subject form matches")))
}

fn prepare(
    event: &'static EventType,
    dialect: &Dialect,
    fields: &[&'static Field],
    subject: Option<Subject>,
) -> Result<Example, Error> {
    let members: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), value(event, field))).collect();
    // The part in braces is the sender's.
    let uri = event.uri.split_once('{').map_or_else(
        || event.uri.to_owned(),
        |(before, after)| {
            format!("{before}accountPurged{}", after.split_once('}').map_or("", |(_, end)| end))
        },
    );
    let mut set = template(dialect);
    if event.companion {
        let main = EventType::by_id(MAIN_EVENT).map_or(event.uri, |main| main.uri);
        set = set.event(CustomEvent::new(main, Map::new()));
    }
    let event_type = event;
    let event = CustomEvent::new(uri, members);
    set = set.event(event.clone());
    if event_type.requires_txn {
        set = set.txn(TRANSACTION);
    }
    if let Some(subject) = &subject {
        set = set.subject(subject.clone());
    }
    Ok(Example { event, subject, claims: claims_of(set, None)? })
}

/// The beginning of a SET that is an example: the same for each receiver.
pub(in super::super) fn template(dialect: &Dialect) -> SetBuilder {
    SetBuilder::new("https://edr.example.com", "https://receiver.example.net")
        .dialect(dialect)
        .jti("4d3559ec67504aaba65d40b0363faad8")
        .issued_at(MOMENT)
}

/// The claims of a SET that nobody signs. Where it has a random `txn`, this one takes its place.
pub(in super::super) fn claims_of(set: SetBuilder, txn: Option<&str>) -> Result<Map<String, Value>, Error> {
    let unsigned = set.prepare(SigningHeader::new(Algorithm::Rs256, "2026-01"))?;
    let mut claims = unsigned.decode()?.claims().clone();
    if let Some(drawn) = claims.get_mut("txn") {
        *drawn = txn.unwrap_or(TRANSACTION).into();
    }
    Ok(claims)
}

/// Subjects to try, the usual ones first; `None` for events that have none.
fn subjects(event: &EventType) -> Vec<Option<Subject>> {
    let user = Subject::email("ada@example.com");
    let device = Subject::opaque("laptop-7");
    let all = [
        user.clone(),
        Subject::iss_sub("https://idp.example.com/", "145234573"),
        Subject::uri("urn:fdc:gov.uk:2022:56P4CMsGh_02YOlWpd8PAOI-2sVlB2nsNU7mcLZYhYw"),
        ComplexSubject::new().with_user(user).with_device(device.clone()).into(),
        device,
        Subject::phone_number("+12065550100"),
        Subject::jwt_id("https://idp.example.com/", "B70BA622-9515-4353-A866-823539EECBC8"),
        Subject::saml_assertion_id(
            "https://idp.example.com/saml",
            "_8e8dc5f69a98cc4c1ff3427e5ce34606fd672f91e6",
        ),
        Subject::oauth_token("refresh_token", "plain", "token-1"),
        Subject::oauth_client("client-1"),
        Subject::scim("/Users/2b2f880af6674ac284bae9381673d462"),
    ];
    let fits = |subject: &Subject| event.formats.is_empty() || event.formats.contains(&subject.format());
    all.into_iter().filter(fits).map(Some).chain([None]).collect()
}

/// A value for a member.
fn value(event: &EventType, field: &Field) -> Value {
    match field.kind {
        FieldType::Boolean => true.into(),
        FieldType::Integer => 1.into(),
        FieldType::Timestamp => MOMENT.into(),
        FieldType::Milliseconds => MOMENT.as_unix_millis().into(),
        FieldType::Localized => json!({ "en": "Laptop lost" }),
        FieldType::Enum { values, .. } => {
            // Two levels, or two states, that differ.
            let index = usize::from(field.name.starts_with("previous"));
            values.get(index).or(values.first()).copied().unwrap_or("example").into()
        }
        FieldType::List => json!([text(field.name)]),
        FieldType::Subject => json!({ "format": "opaque", "id": "session-1" }),
        FieldType::Object if field.members.is_empty() => object(event, field),
        FieldType::Object => {
            let member = |(name, kind): &(&'static str, MemberKind)| {
                let value = match kind {
                    MemberKind::Number if field.name.ends_with("_ms") => MOMENT.as_unix_millis().into(),
                    MemberKind::Number => MOMENT.as_unix_seconds().into(),
                    _ => text(name).into(),
                };
                ((*name).to_owned(), value)
            };
            Value::Object(field.members.iter().map(member).collect())
        }
        _ => text(field.name).into(),
    }
}

fn object(event: &EventType, field: &Field) -> Value {
    match (event.family, field.name) {
        ("scim", "data") => json!({ "userName": "ada", "active": true }),
        _ => json!({ "role": "read-only" }),
    }
}

/// A text for a member of this name.
fn text(name: &str) -> &'static str {
    match name {
        "current_ip" | "current_ip_address" => "198.51.100.7",
        "last_known_ip" | "previous_ip_address" => "192.0.2.10",
        "current_user_agent" | "last_known_user_agent" | "fp_ua" => "Mozilla/5.0",
        "new-value" | "email" => "ada.new@example.org",
        "location" => "GB",
        "friendly_name" => "Ada's security key",
        "x509_issuer" => "CN=Example CA",
        "x509_serial" => "4096",
        "fido2_aaguid" => "accced6a-63f5-490a-9eea-e59bc1896cfc",
        "attributes" => "displayName",
        // Assurance levels, in the spelling that every receiver takes.
        "current_level" => "nist-aal2",
        "previous_level" => "nist-aal1",
        "status" => "200",
        "method" => "PATCH",
        _ => "example",
    }
}
