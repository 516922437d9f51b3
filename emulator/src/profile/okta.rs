//! Okta: the Management API description 2026.06.3 and the guide "Configure an SSF receiver and publish a SET".

use crate::answer::ErrorCode;
use crate::jws::RS256;
use crate::schema::{Member, Members, Shape, Wording, members, optional, required};
use crate::subject::SubjectShape;

use super::{
    Answers, Audience, COMPLIANCE, EventType, EventsPerSet, INITIATING_ENTITY, Presence, Profile,
    RepeatedJti, UnknownEvents,
};

/// What Okta documents for its security events endpoint. Where the documents are silent, a comment says what
/// was chosen.
pub(crate) static OKTA: Profile = Profile {
    name: "okta",
    push_path: "/security/api/v1/security-events",
    // The operation has an empty security list: the signature is the authentication.
    token_path: None,
    api_path: Some("/api/v1/security-events-providers"),
    log_path: Some("/api/v1/logs"),
    content_type: Some("application/secevent+jwt"),
    // Not documented, so not demanded.
    accept: None,
    health_probe: None,
    algorithms: &[RS256],
    kid: Presence::Required,
    // The guide asks for this one by name.
    jwks_media_types: &["application/json"],
    // Which code answers a bad signature is not documented. Interpretation: since nothing but the signature
    // authenticates the sender, it is RFC 8935's "could not authenticate the SET Transmitter".
    bad_signature: ErrorCode::AuthenticationFailed,
    audience: Audience::Text,
    absent_claims: &[],
    // `sub_id` and `txn` are not mentioned; they may be there.
    claims: members(&[]),
    events_per_set: EventsPerSet::One,
    events: &[
        event(
            "https://schemas.okta.com/secevent/okta/event-type/user-risk-change",
            "mediationUserRiskChangeEvent",
            Members { list: RISK_CHANGE, any_of: REASON },
        ),
        event(
            "https://schemas.okta.com/secevent/okta/event-type/device-risk-change",
            "mediationDeviceRiskChangeEvent",
            Members { list: RISK_CHANGE, any_of: REASON },
        ),
        event(
            "https://schemas.okta.com/secevent/okta/event-type/ip-change",
            "mediationIpChangeEvent",
            Members { list: IP_CHANGE, any_of: REASON },
        ),
        event(
            "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change",
            "mediationDeviceComplianceChangeEvent",
            Members { list: DEVICE_COMPLIANCE_CHANGE, any_of: REASON },
        ),
        event(
            "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
            "mediationSessionRevokedEvent",
            Members { list: SESSION_REVOKED, any_of: REASON },
        ),
        event(
            "https://schemas.openid.net/secevent/risc/event-type/identifier-changed",
            "mediationIdentifierChangedEvent",
            members(&[SUBJECT, TIMESTAMP, optional("new-value", Shape::Text)]),
        ),
    ],
    companions: &[],
    unknown_events: UnknownEvents::Refused,
    // The second SET with a `jti` is ignored without a trace. Its status is not stated; RFC 8935 §2 wants the
    // answer a new one would get.
    repeated_jti: RepeatedJti::Dropped,
    user: Some(&["subject", "user", "email"]),
    wording: Wording {
        lead: "Failed claim validation in security event token. ",
        missing: "The field cannot be left blank",
        camel_case: true,
    },
    answers: Answers::Rfc8935,
};

// Only the name of the device compliance event is documented; the others are formed like it.
const fn event(uri: &'static str, name: &'static str, members: Members) -> EventType {
    EventType { uri, name: Some(name), members }
}

const RISK_LEVEL: &[&str] = &["low", "medium", "high", "secure", "none"];

/// One of the two is needed everywhere but in identifier-changed, and it needs `en`.
const REASON: &[&str] = &["reason_admin", "reason_user"];

const SUBJECT: Member =
    required("subject", Shape::Subject(&[SubjectShape::Parts(&[("user", &[]), ("device", &[])])]));
/// An int64; the documents show seconds and milliseconds.
const TIMESTAMP: Member = required("event_timestamp", Shape::Integer);
const ENTITY: Member = optional("initiating_entity", Shape::OneOf(INITIATING_ENTITY));
const REASON_ADMIN: Member = optional("reason_admin", Shape::Localized(Some("en")));
const REASON_USER: Member = optional("reason_user", Shape::Localized(Some("en")));

const RISK_CHANGE: &[Member] = &[
    SUBJECT,
    TIMESTAMP,
    required("previous_level", Shape::OneOf(RISK_LEVEL)),
    required("current_level", Shape::OneOf(RISK_LEVEL)),
    ENTITY,
    REASON_ADMIN,
    REASON_USER,
];

const IP_CHANGE: &[Member] = &[
    SUBJECT,
    TIMESTAMP,
    required("previous_ip_address", Shape::IpAddress),
    required("current_ip_address", Shape::IpAddress),
    ENTITY,
    REASON_ADMIN,
    REASON_USER,
];

const DEVICE_COMPLIANCE_CHANGE: &[Member] = &[
    SUBJECT,
    TIMESTAMP,
    required("previous_status", Shape::OneOf(COMPLIANCE)),
    required("current_status", Shape::OneOf(COMPLIANCE)),
    ENTITY,
    REASON_ADMIN,
    REASON_USER,
];

const SESSION_REVOKED: &[Member] = &[
    SUBJECT,
    TIMESTAMP,
    optional("current_ip", Shape::IpAddress),
    optional("last_known_ip", Shape::IpAddress),
    optional("current_user_agent", Shape::Text),
    optional("last_known_user_agent", Shape::Text),
    ENTITY,
    REASON_ADMIN,
    REASON_USER,
];
