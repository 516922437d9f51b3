//! What differs from receiver to receiver, as data. The code that acts on it is the same for all.

mod govuk;
mod okta;
mod rfc8935;

use super::answer::ErrorCode;
use super::jws::SignatureAlgorithm;
use super::schema::{Members, Wording};

pub(crate) use govuk::GOVUK_ONE_LOGIN;
pub(crate) use okta::OKTA;
pub(crate) use rfc8935::RFC8935;

/// A receiver.
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) push_path: &'static str,
    /// The path of the token endpoint, whose tokens then are needed on every push.
    pub(crate) token_path: Option<&'static str>,
    /// The path of the API by which transmitters are registered.
    pub(crate) api_path: Option<&'static str>,
    /// The path of the log beside that API.
    pub(crate) log_path: Option<&'static str>,
    /// The `Content-Type` a push must have.
    pub(crate) content_type: Option<&'static str>,
    /// The media type that must be listed in `Accept`.
    pub(crate) accept: Option<&'static str>,
    /// A body that is not a SET and asks whether the receiver is there.
    pub(crate) health_probe: Option<&'static str>,
    pub(crate) algorithms: &'static [SignatureAlgorithm],
    pub(crate) kid: Presence,
    /// The media types in which the receiver takes a JWKS.
    pub(crate) jwks_media_types: &'static [&'static str],
    /// The code for a signature that does not match the key.
    pub(crate) bad_signature: ErrorCode,
    pub(crate) audience: Audience,
    /// Claims that must not be there.
    pub(crate) absent_claims: &'static [&'static str],
    /// Claims beyond `iss`, `aud`, `iat`, `jti` and `events`.
    pub(crate) claims: Members,
    pub(crate) events_per_set: EventsPerSet,
    pub(crate) events: &'static [EventType],
    /// Parts of the URIs of companions, which accompany an event and are not events themselves.
    pub(crate) companions: &'static [&'static str],
    pub(crate) unknown_events: UnknownEvents,
    pub(crate) repeated_jti: RepeatedJti,
    /// The path to the sign-in of the user inside an event, where the receiver drops events about strangers.
    pub(crate) user: Option<&'static [&'static str]>,
    pub(crate) wording: Wording,
    pub(crate) answers: Answers,
}

/// An event type a receiver knows.
pub(crate) struct EventType {
    pub(crate) uri: &'static str,
    /// How the receiver calls it in its complaints, if not by its URI.
    pub(crate) name: Option<&'static str>,
    pub(crate) members: Members,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Presence {
    Required,
    Optional,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Audience {
    /// A single string.
    Text,
    /// A string or an array of strings (RFC 7519 §4.1.3).
    TextOrArray,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum EventsPerSet {
    One,
    /// One or more.
    Several,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UnknownEvents {
    Refused,
    Accepted,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RepeatedJti {
    /// Answered as if it were new, and dropped.
    Dropped,
    /// Not looked at.
    Ignored,
}

/// The bodies of the answers to a push.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Answers {
    /// Nothing, or the error object of RFC 8935 §2.3.
    Rfc8935,
    /// A JSON string either way.
    JsonText,
}

// Values that CAEP 1.0 and RISC 1.0 share with the receivers' own schemas.

const INITIATING_ENTITY: &[&str] = &["admin", "user", "policy", "system"];
const CREDENTIAL_TYPE: &[&str] = &[
    "password",
    "pin",
    "x509",
    "fido2-platform",
    "fido2-roaming",
    "fido-u2f",
    "verifiable-credential",
    "phone-voice",
    "phone-sms",
    "app",
];
const CHANGE_TYPE: &[&str] = &["create", "revoke", "update", "delete"];
const CHANGE_DIRECTION: &[&str] = &["increase", "decrease"];
/// As CAEP §3.5.1 spells it; GOV.UK One Login does otherwise.
const COMPLIANCE: &[&str] = &["compliant", "not-compliant"];
