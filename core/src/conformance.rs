//! The conditions of the OpenID conformance suite for what a transmitter sends: SETs, push requests, the configuration
//! document and access tokens.
//!
//! The suite (SSF transmitter tests, alpha, 2026-08) demands more than the specifications: RS256, one event, `iat` without
//! tolerance. The dialect of a receiver handles deviations; these checks are those of the suite.

use serde_json::{Map, Value};
use url::Url;

use crate::{
    catalogue::EventType,
    http::Request,
    jose::{Compact, SET_TYPE},
    metadata::located,
    time::Timestamp,
};

/// One condition, and whether it is met.
///
/// Its text contains no value of the SET.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Condition {
    /// A stable name, such as `set-typ`.
    pub id: &'static str,
    /// The condition.
    pub demand: &'static str,
    /// Whether it is met.
    pub holds: bool,
}

/// The stream that SETs are checked against.
///
/// ```
/// use ssf_transmitter::{KeyType, SetBuilder, SigningKey, Subject, Timestamp, conformance::Stream, event::caep};
///
/// let key = SigningKey::generate(KeyType::Rsa2048)?;
/// let set = SetBuilder::new("https://edr.example.com", "https://receiver.example.net")
///     .event(caep::SessionRevoked::new())
///     .subject(Subject::email("ada@example.com"))
///     .sign(&key)?;
/// let stream = Stream::new("https://edr.example.com", "https://receiver.example.net");
/// assert!(stream.check_set(set.as_str(), Timestamp::now()).iter().all(|condition| condition.holds));
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    issuer: String,
    audience: String,
    id: Option<String>,
    state: Option<String>,
}

impl Stream {
    /// A stream with the `iss` and the `aud` of its configuration.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), audience: audience.into(), id: None, state: None }
    }

    /// Sets the id of the stream: the subject of its verification events (SSF 1.0 §8.1.4.1).
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Sets the state that the receiver sent with its request for a verification. Without one the verification is the
    /// transmitter's own and has none (SSF 1.0 §8.1.4).
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(state.into());
        self
    }

    /// What is demanded of a SET at the time `now`.
    pub fn check_set(&self, compact: &str, now: Timestamp) -> Vec<Condition> {
        let mut list = Conditions::default();
        let parts = Compact::parse(compact);
        list.add("set-compact", "the SET is a compact JWS", parts.is_ok());
        if let Ok(parts) = parts {
            let header = |name| parts.header.get(name).and_then(Value::as_str);
            list.add("set-typ", "typ is exactly secevent+jwt", header("typ") == Some(SET_TYPE));
            list.add("set-alg", "alg is RS256", header("alg") == Some("RS256"));
            self.check_claims(&mut list, &parts.payload, now);
        }
        list.0
    }

    fn check_claims(&self, list: &mut Conditions, claims: &Map<String, Value>, now: Timestamp) {
        list.add("set-no-sub", "there is no sub", !claims.contains_key("sub"));
        list.add("set-no-exp", "there is no exp", !claims.contains_key("exp"));
        let iat = claims.get("iat").and_then(Value::as_i64);
        list.add("set-iat", "iat is present, an integer", iat.is_some());
        let past = iat.is_some_and(|iat| Timestamp::from_unix_seconds(iat) <= now);
        list.add("set-iat-past", "iat is not in the future, without tolerance", past);
        list.add(
            "set-iss",
            "iss is that of the stream",
            claims.get("iss") == Some(&self.issuer.as_str().into()),
        );
        let aud = match claims.get("aud") {
            Some(Value::String(one)) => *one == self.audience,
            Some(Value::Array(several)) => several.iter().any(|value| *value == *self.audience),
            _ => false,
        };
        list.add("set-aud", "aud is or includes that of the stream", aud);
        let events = claims.get("events").and_then(Value::as_object);
        list.add(
            "set-one-event",
            "there is exactly one event",
            events.is_some_and(|events| events.len() == 1),
        );
        for (uri, members) in events.into_iter().flatten() {
            let Some(members) = members.as_object() else {
                list.add("event-object", "the value of an event is an object", false);
                continue;
            };
            match EventType::by_uri(uri) {
                Some(kind) if kind.id == "ssf.verification" => {
                    self.check_verification(list, claims, members);
                }
                Some(kind) if kind.family == "caep" => check_caep(list, members),
                _ => {}
            }
        }
    }

    fn check_verification(
        &self,
        list: &mut Conditions,
        claims: &Map<String, Value>,
        members: &Map<String, Value>,
    ) {
        let sub_id = claims.get("sub_id");
        let member = |name: &str| sub_id.and_then(|sub_id| sub_id.get(name)).and_then(Value::as_str);
        let about_stream = member("format") == Some("opaque")
            && self.id.as_deref().is_none_or(|id| member("id") == Some(id));
        list.add("verification-sub-id", "sub_id is opaque, the id of the stream", about_stream);
        let state = members.get("state").and_then(Value::as_str);
        let demand = "state is equal to that of the request, and absent if it had none";
        list.add("verification-state", demand, state == self.state.as_deref());
    }
}

/// What CAEP events have in common.
fn check_caep(list: &mut Conditions, members: &Map<String, Value>) {
    let number = members.get("event_timestamp").is_none_or(Value::is_number);
    list.add("event-timestamp", "event_timestamp is a number", number);
    let entities = ["admin", "user", "policy", "system"];
    let known = members
        .get("initiating_entity")
        .is_none_or(|entity| entity.as_str().is_some_and(|entity| entities.contains(&entity)));
    list.add("event-initiating-entity", "initiating_entity is admin, user, policy or system", known);
    for name in ["reason_admin", "reason_user"] {
        let texts = members.get(name).is_none_or(|reason| {
            reason.as_object().is_some_and(|texts| !texts.is_empty() && texts.values().all(Value::is_string))
        });
        list.add("event-reasons", "reasons are non-empty objects of strings", texts);
    }
}

/// What is demanded of a push request: with the `authorization_header` of the stream it has exactly that value, and without
/// one it has no header `Authorization` (SSF 1.0 §6.1.1).
pub fn check_push(request: &Request, authorization_header: Option<&str>) -> Vec<Condition> {
    let mut list = Conditions::default();
    let header =
        |name: &str| request.headers().find(|(other, _)| *other == name).map(|(_, value)| value.to_owned());
    let content_type = header("content-type");
    list.add(
        "push-content-type",
        "Content-Type is application/secevent+jwt",
        content_type.as_deref() == Some("application/secevent+jwt"),
    );
    list.add(
        "push-accept",
        "Accept is application/json",
        header("accept").as_deref() == Some("application/json"),
    );
    let same = header("authorization").as_deref() == authorization_header;
    list.add("push-authorization", "Authorization is that of the stream, or absent", same);
    list.add("push-body", "the body is the SET and nothing else", Compact::parse(request.body()).is_ok());
    list.0
}

/// What is demanded of the configuration document at `url`.
///
/// ```
/// use ssf_transmitter::{TransmitterConfiguration, conformance::check_configuration};
///
/// let configuration = TransmitterConfiguration::new("https://tr.example.com").jwks_uri("https://tr.example.com/jwks.json");
/// let conditions = check_configuration(&configuration.to_json()?, &configuration.url()?);
/// assert!(conditions.iter().all(|condition| condition.holds));
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
pub fn check_configuration(document: &str, url: &str) -> Vec<Condition> {
    let mut list = Conditions::default();
    let document = serde_json::from_str::<Value>(document).ok();
    let Some(Value::Object(document)) = document else {
        list.add("configuration-json", "the document is a JSON object", false);
        return list.0;
    };
    list.add("configuration-json", "the document is a JSON object", true);
    let issuer = document.get("issuer").and_then(Value::as_str);
    let place = issuer.and_then(|issuer| located(issuer, "ssf-configuration", true).ok());
    let demand =
        "the document is where its issuer says: /.well-known/ssf-configuration between host and path";
    list.add("configuration-url", demand, place.as_deref() == Some(url));
    let names = [
        "issuer",
        "jwks_uri",
        "configuration_endpoint",
        "status_endpoint",
        "add_subject_endpoint",
        "remove_subject_endpoint",
        "verification_endpoint",
    ];
    let https = names.iter().filter_map(|name| document.get(*name)).all(|value| {
        value.as_str().and_then(|url| Url::parse(url).ok()).is_some_and(|url| url.scheme() == "https")
    });
    list.add("configuration-https", "URLs are https", https);
    list.add("configuration-jwks-uri", "jwks_uri is there", document.contains_key("jwks_uri"));
    let empty = document.values().any(|value| value.as_array().is_some_and(Vec::is_empty));
    list.add("configuration-no-empty-lists", "no list is empty", !empty);
    let version = document.get("spec_version").and_then(Value::as_str);
    let demand = "spec_version is 1_0-ID2 or later, written with an underscore";
    list.add("configuration-spec-version", demand, version.is_some_and(is_recent));
    list.0
}

/// `1_0-ID2` or later: an absent version means `1_0-ID1`.
fn is_recent(version: &str) -> bool {
    let (number, draft) =
        version.split_once('-').map_or((version, None), |(number, draft)| (number, Some(draft)));
    let Some((major, minor)) = number.split_once('_') else { return false };
    let (Ok(major), Ok(minor)) = (major.parse::<u32>(), minor.parse::<u32>()) else { return false };
    match ((major, minor), draft) {
        ((1, 0), Some(draft)) => draft
            .strip_prefix("ID")
            .and_then(|draft| draft.parse::<u32>().ok())
            .is_some_and(|draft| draft >= 2),
        ((1.., _), _) => true,
        _ => false,
    }
}

/// What is demanded of the answer of a token endpoint, as JSON.
pub fn check_token(answer: &str) -> Vec<Condition> {
    let mut list = Conditions::default();
    let answer = serde_json::from_str::<Value>(answer).unwrap_or_default();
    let lifetime = answer.get("expires_in").and_then(Value::as_u64);
    list.add(
        "token-lifetime",
        "an access token lives for 3600 seconds at most",
        lifetime.is_some_and(|seconds| seconds <= 3600),
    );
    list.0
}

#[derive(Default)]
struct Conditions(Vec<Condition>);

impl Conditions {
    fn add(&mut self, id: &'static str, demand: &'static str, holds: bool) {
        self.0.push(Condition { id, demand, holds });
    }
}
