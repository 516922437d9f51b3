//! GOV.UK One Login, inbound: the guidance and the reference sender in `govuk-one-login/fraud-rpt`, the event
//! schemas in `govuk-one-login/fraud-npm`, and the sister receiver `govuk-one-login/fraud-rpr`.

use crate::answer::ErrorCode;
use crate::jws::RS256;
use crate::schema::{Member, Members, Shape, Wording, members, optional, required};
use crate::subject::SubjectShape;

use super::{
    Answers, Audience, CHANGE_DIRECTION, CHANGE_TYPE, CREDENTIAL_TYPE, EventType, EventsPerSet, Presence,
    Profile, RepeatedJti, UnknownEvents,
};

/// What GOV.UK One Login publishes about its inbound endpoint. Where that is silent, a comment says what was
/// chosen.
pub(crate) static GOVUK_ONE_LOGIN: Profile = Profile {
    name: "govuk-one-login",
    push_path: "/",
    token_path: Some("/oauth2/token"),
    api_path: None,
    log_path: None,
    // The reference sender sets neither of the two.
    content_type: None,
    accept: None,
    health_probe: Some("healthcheck"),
    algorithms: &[RS256],
    // The reference sender has none.
    kid: Presence::Optional,
    jwks_media_types: &["application/json", "application/jwk-set+json"],
    // Its App receiver answers any trouble with the signature so. It shows in the ledger only.
    bad_signature: ErrorCode::AuthenticationFailed,
    audience: Audience::Text,
    absent_claims: &[],
    // The schema of the SET forbids no other member.
    claims: members(&[]),
    // Companions aside, the schemas do not limit the number.
    events_per_set: EventsPerSet::Several,
    events: EVENTS,
    companions: &["eventMetadata", "eventDetails"],
    unknown_events: UnknownEvents::Refused,
    repeated_jti: RepeatedJti::Ignored,
    user: None,
    wording: Wording { lead: "", missing: "is required", camel_case: false },
    answers: Answers::JsonText,
};

const URI: &[SubjectShape] = &[SubjectShape::Format(&["uri"])];
const ADDRESS: &[SubjectShape] = &[SubjectShape::Format(&["email", "phone"])];
const SESSION: &[SubjectShape] = &[
    SubjectShape::Parts(&[("session", &[]), ("user", &[]), ("device", &[]), ("tenant", &[])]),
    SubjectShape::AnyFormat,
];
const DEVICE: &[SubjectShape] = &[SubjectShape::Parts(&[("device", &["iss_sub"]), ("tenant", &[])])];
const TOKEN: &[SubjectShape] = &[SubjectShape::Format(&["jwt_id"])];
/// The schema describes a flat subject, the generator makes a complex one, and both pass.
const DEVICE_OF_CONCERN: &[SubjectShape] =
    &[SubjectShape::Parts(&[("device", &[])]), SubjectShape::AnyFormat];

const AAL: &[&str] = &["nist-aal1", "nist-aal2", "nist-aal3"];
/// CAEP has `not-compliant`; the schema here has not.
const COMPLIANCE: &[&str] = &["compliant", "non-compliant"];

const REASON_ADMIN: Member = optional("reason_admin", Shape::Localized(None));
const REASON_USER: Member = optional("reason_user", Shape::Localized(None));
const ENTITY: Member = optional("initiating_entity", Shape::Text);
const TIMESTAMP: Member = optional("event_timestamp", Shape::Number);
const RATIONALE: Member = optional("rationale", Shape::Members(members(&[optional("code", Shape::Text)])));
const TIMEFRAME: Member = optional(
    "event_timeframe",
    Shape::Members(Members {
        list: &[optional("start_time", Shape::Number), optional("end_time", Shape::Number)],
        any_of: &["start_time", "end_time"],
    }),
);

const fn subject(shapes: &'static [SubjectShape]) -> Member {
    required("subject", Shape::Subject(shapes))
}

const fn event(uri: &'static str, list: &'static [Member]) -> EventType {
    EventType { uri, name: None, members: members(list) }
}

const ABOUT_URI: &[Member] = &[subject(URI)];

static EVENTS: &[EventType] = &[
    event("https://schemas.openid.net/secevent/caep/event-type/session-revoked", &[subject(SESSION)]),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/credential-change",
        &[
            subject(URI),
            required("credential_type", Shape::OneOf(CREDENTIAL_TYPE)),
            required("change_type", Shape::OneOf(CHANGE_TYPE)),
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change",
        &[
            subject(URI),
            required("current_level", Shape::OneOf(AAL)),
            required("previous_level", Shape::OneOf(AAL)),
            required("change_direction", Shape::OneOf(CHANGE_DIRECTION)),
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/device-compliance-change",
        &[
            subject(DEVICE),
            required("previous_status", Shape::OneOf(COMPLIANCE)),
            required("current_status", Shape::OneOf(COMPLIANCE)),
        ],
    ),
    event(
        "https://schemas.openid.net/secevent/caep/event-type/token-claims-change",
        &[subject(TOKEN), required("claims", Shape::Object(0))],
    ),
    event(
        "https://schemas.openid.net/secevent/risc/event-type/identifier-changed",
        &[subject(ADDRESS), required("new-value", Shape::Text)],
    ),
    event("https://schemas.openid.net/secevent/risc/event-type/identifier-recycled", &[subject(ADDRESS)]),
    event(
        "https://schemas.openid.net/secevent/risc/event-type/credential-compromise",
        &[subject(URI), required("credential_type", Shape::Text)],
    ),
    event(
        "https://schemas.openid.net/secevent/risc/event-type/account-credential-change-required",
        ABOUT_URI,
    ),
    event("https://schemas.openid.net/secevent/risc/event-type/account-purged", ABOUT_URI),
    event("https://schemas.openid.net/secevent/risc/event-type/account-disabled", ABOUT_URI),
    event("https://schemas.openid.net/secevent/risc/event-type/account-enabled", ABOUT_URI),
    event("https://schemas.openid.net/secevent/risc/event-type/opt-in", ABOUT_URI),
    event("https://schemas.openid.net/secevent/risc/event-type/opt-out-initiated", ABOUT_URI),
    event("https://schemas.openid.net/secevent/risc/event-type/opt-out-cancelled", ABOUT_URI),
    event("https://schemas.openid.net/secevent/risc/event-type/opt-out-effective", ABOUT_URI),
    event("https://schemas.openid.net/secevent/risc/event-type/recovery-activated", ABOUT_URI),
    event("https://schemas.openid.net/secevent/risc/event-type/recovery-information-changed", ABOUT_URI),
    event("https://schemas.openid.net/secevent/risc/event-type/sessions-revoked", ABOUT_URI),
    event(
        "https://vocab.account.gov.uk/secevent/v1/notification/accountConcern",
        &[subject(URI), ENTITY, REASON_ADMIN, RATIONALE, TIMEFRAME],
    ),
    event(
        "https://vocab.account.gov.uk/secevent/v1/notification/accountBlock",
        &[subject(URI), ENTITY, REASON_ADMIN, TIMEFRAME],
    ),
    event(
        "https://vocab.account.gov.uk/secevent/v1/notification/deviceConcern",
        &[subject(DEVICE_OF_CONCERN), ENTITY, REASON_ADMIN, RATIONALE, TIMEFRAME],
    ),
    event(
        "https://vocab.account.gov.uk/secevent/v1/notification/credentialConcern",
        &[
            subject(&[SubjectShape::Anything]),
            ENTITY,
            REASON_ADMIN,
            RATIONALE,
            TIMEFRAME,
            optional("event_timestamp", Shape::Integer),
            optional("credential_type", Shape::Text),
            optional("credential_value", Shape::Text),
        ],
    ),
    event(
        "https://vocab.account.gov.uk/secevent/v1/activity/sessionRecovered",
        &[
            subject(URI),
            required("session", Shape::Subject(&[SubjectShape::AnyFormat])),
            optional("previous_session_id", Shape::Text),
            ENTITY,
            REASON_ADMIN,
            REASON_USER,
            TIMESTAMP,
        ],
    ),
    // A name for it exists among the schemas, its URI and its payload do not; this is the one of SSF §8.1.4.1.
    event(
        "https://schemas.openid.net/secevent/ssf/event-type/verification",
        &[optional("state", Shape::Text)],
    ),
];
