//! A receiver that follows the texts: RFC 8417, RFC 8935, SSF 1.0, CAEP 1.0 and RISC 1.0.

use crate::answer::ErrorCode;
use crate::jws::{
    ED25519, EDDSA, ES256, ES384, PS256, PS384, PS512, RS256, RS384, RS512, SignatureAlgorithm,
};
use crate::schema::{Member, Shape, Wording, members, optional, required};
use crate::subject::SubjectShape;

use super::{
    Answers, Audience, CHANGE_DIRECTION, CHANGE_TYPE, COMPLIANCE, EventType, EventsPerSet, INITIATING_ENTITY,
    Presence, Profile, RepeatedJti, UnknownEvents,
};

/// What RFC 8935 and SSF 1.0 demand.
pub(crate) static RFC8935: Profile = Profile {
    name: "rfc8935",
    push_path: "/events",
    token_path: None,
    api_path: None,
    log_path: None,
    // RFC 8935 §2.1 for both.
    content_type: Some("application/secevent+jwt"),
    accept: Some("application/json"),
    health_probe: None,
    algorithms: ALGORITHMS,
    // Optional in RFC 7515 §4.1.4, and yet the only way to tell the keys of one set apart.
    kid: Presence::Required,
    jwks_media_types: &["application/json", "application/jwk-set+json"],
    // RFC 8935 §2.4 names no code for a signature that does not match. Interpretation: `authentication_failed` is
    // about the sender of the request, so what is left is "keys used to sign the SET".
    bad_signature: ErrorCode::InvalidKey,
    audience: Audience::TextOrArray,
    // SSF §4.1.2 and §4.1.7.
    absent_claims: &["sub", "exp"],
    claims: members(&[
        // SSF §3.1: there for every event.
        required("sub_id", Shape::Subject(&[SubjectShape::AnyFormat, SubjectShape::Complex])),
        // RFC 8417 §2.2.
        optional("txn", Shape::Text),
        optional("toe", Shape::Seconds),
    ]),
    // SSF §4.2.1 only advises against more than one.
    events_per_set: EventsPerSet::Several,
    events: EVENTS,
    companions: &[],
    // A registry of events does not exist.
    unknown_events: UnknownEvents::Accepted,
    repeated_jti: RepeatedJti::Ignored,
    user: None,
    wording: Wording { lead: "", missing: "is required", camel_case: false },
    answers: Answers::Rfc8935,
};

/// All that the JOSE library of the emulator has; ES512 is not among them.
const ALGORITHMS: &[SignatureAlgorithm] =
    &[RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EDDSA, ED25519];

const RISK_LEVEL: &[&str] = &["LOW", "MEDIUM", "HIGH"];
const STREAM_STATUS: &[&str] = &["enabled", "paused", "disabled"];

// CAEP §2: the members every CAEP event may have.
const TIMESTAMP: Member = optional("event_timestamp", Shape::Seconds);
const ENTITY: Member = optional("initiating_entity", Shape::OneOf(INITIATING_ENTITY));
const REASON_ADMIN: Member = optional("reason_admin", Shape::Localized(None));
const REASON_USER: Member = optional("reason_user", Shape::Localized(None));
/// SSF §3.1.1: beside `sub_id`, for receivers of the drafts. Those have shapes of their own.
const SUBJECT: Member = optional("subject", Shape::Object(1));

const fn event(uri: &'static str, list: &'static [Member]) -> EventType {
    EventType { uri, name: None, members: members(list) }
}

// Types without members of their own need no row: their members all have to be objects anyway.
static EVENTS: &[EventType] = &[
    event(
        "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
        &[TIMESTAMP, ENTITY, REASON_ADMIN, REASON_USER, SUBJECT],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/token-claims-change",
        &[required("claims", Shape::Object(1)), TIMESTAMP, ENTITY, REASON_ADMIN, REASON_USER, SUBJECT],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/credential-change",
        &[
            // An open list (CAEP §3.3.1).
            required("credential_type", Shape::Text),
            required("change_type", Shape::OneOf(CHANGE_TYPE)),
            optional("friendly_name", Shape::Text),
            optional("x509_issuer", Shape::Text),
            optional("x509_serial", Shape::Text),
            optional("fido2_aaguid", Shape::Text),
            TIMESTAMP,
            ENTITY,
            REASON_ADMIN,
            REASON_USER,
            SUBJECT,
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change",
        &[
            required("namespace", Shape::Text),
            required("current_level", Shape::Text),
            optional("previous_level", Shape::Text),
            optional("change_direction", Shape::OneOf(CHANGE_DIRECTION)),
            TIMESTAMP,
            ENTITY,
            REASON_ADMIN,
            REASON_USER,
            SUBJECT,
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change",
        &[
            required("previous_status", Shape::OneOf(COMPLIANCE)),
            required("current_status", Shape::OneOf(COMPLIANCE)),
            TIMESTAMP,
            ENTITY,
            REASON_ADMIN,
            REASON_USER,
            SUBJECT,
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/session-established",
        &[
            optional("fp_ua", Shape::Text),
            optional("acr", Shape::Text),
            optional("amr", Shape::TextArray),
            optional("ext_id", Shape::Text),
            TIMESTAMP,
            ENTITY,
            REASON_ADMIN,
            REASON_USER,
            SUBJECT,
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/session-presented",
        &[
            optional("fp_ua", Shape::Text),
            optional("ext_id", Shape::Text),
            TIMESTAMP,
            ENTITY,
            REASON_ADMIN,
            REASON_USER,
            SUBJECT,
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/risk-level-change",
        &[
            // An open list (CAEP §3.8.1).
            required("principal", Shape::Text),
            required("current_level", Shape::OneOf(RISK_LEVEL)),
            optional("previous_level", Shape::OneOf(RISK_LEVEL)),
            optional("risk_reason", Shape::Text),
            TIMESTAMP,
            ENTITY,
            REASON_ADMIN,
            REASON_USER,
            SUBJECT,
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/risc/event-type/account-disabled",
        &[optional("reason", Shape::Text), SUBJECT],
    ),
    event(
        "https://schemas.openid.net/secevent/risc/event-type/identifier-changed",
        &[optional("new-value", Shape::Text), SUBJECT],
    ),
    event(
        "https://schemas.openid.net/secevent/risc/event-type/credential-compromise",
        &[
            required("credential_type", Shape::Text),
            TIMESTAMP,
            optional("reason_admin", Shape::Any),
            optional("reason_user", Shape::Any),
            SUBJECT,
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/ssf/event-type/verification",
        &[optional("state", Shape::Text)],
    ),
    event(
        "https://schemas.openid.net/secevent/ssf/event-type/stream-updated",
        &[required("status", Shape::OneOf(STREAM_STATUS)), optional("reason", Shape::Text)],
    ),
];
