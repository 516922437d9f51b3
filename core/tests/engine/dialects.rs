//! What each receiver requires of a SET, and how a custom dialect declares it.

use crate::common::{AUDIENCE, ISSUER, claims, refused};
use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Algorithm, ComplexSubject, CustomEvent, Dialect, ErrorCode, Event, SetBuilder, Subject, Timestamp,
    catalogue::{EVENTS, FieldType, Placement},
    event::{
        AssuranceNamespace, ChangeType, ComplianceStatus, CredentialType, OktaRiskLevel, caep, govuk, okta,
        risc, ssf,
    },
    key::SigningHeader,
    lint::{LintPolicy, Severity},
};

const REVOKED: &str = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";

fn time() -> Timestamp {
    Timestamp::from_unix_millis(1_767_225_590_643)
}

fn built_in(id: &str) -> Dialect {
    Dialect::built_in(id).unwrap()
}

fn toml(settings: &str) -> Dialect {
    Dialect::from_toml(&format!("id = \"own\"\n{settings}")).unwrap_or_else(|error| panic!("{error}"))
}

fn set(event: impl Into<Event>, subject: impl Into<Subject>, dialect: &Dialect) -> SetBuilder {
    SetBuilder::new(ISSUER, AUDIENCE).event(event).subject(subject).dialect(dialect).txn("1").toe(time())
}

/// The event of a SET of one.
fn event(set: SetBuilder) -> Value {
    let claims = claims(set).unwrap();
    let events = claims["events"].as_object().unwrap();
    assert_eq!(events.len(), 1);
    events.values().next().unwrap().clone()
}

fn fails(set: SetBuilder, code: &str, pointer: &str) {
    refused(claims(set), &json!(code), &json!(pointer)).unwrap();
}

fn place(uri: &str, member: &str) -> String {
    format!("/events/{}/{member}", uri.replace('/', "~1"))
}

fn revoked() -> caep::SessionRevoked {
    caep::SessionRevoked::new().with_event_timestamp(time()).with_reason_admin("en", "Laptop lost")
}

fn names(claims: &Value) -> Vec<&str> {
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn there_are_eight_built_in_dialects_each_with_title_and_source() {
    let expected = [
        "ssf-1.0",
        "caep-interop",
        "okta",
        "govuk-one-login",
        "govuk-app",
        "google-workspace",
        "login-gov",
        "apple",
    ];
    assert_eq!(Dialect::ids().collect::<Vec<_>>(), expected);
    for id in expected {
        let dialect = built_in(id);
        assert_eq!(dialect.id(), id);
        assert!(!dialect.title().is_empty() && !dialect.source().is_empty(), "{id}");
    }
    assert_eq!(Dialect::default().id(), "ssf-1.0");
    assert_eq!(Dialect::built_in("Okta").unwrap_err().code(), ErrorCode::DialectUnknown);
}

#[test]
fn the_same_event_and_subject_reach_each_receiver_in_its_shape() {
    let email = json!({ "format": "email", "email": "ada@example.com" });
    let ssf = ["aud", "events", "iat", "iss", "jti", "sub_id", "toe", "txn"];
    let bare = ["aud", "events", "iat", "iss", "jti"];
    for (id, claim_names, in_event) in [
        ("ssf-1.0", &ssf[..], None),
        ("caep-interop", &ssf[..], None),
        ("google-workspace", &ssf[..], Some(email.clone())),
        ("okta", &bare[..], Some(json!({ "user": email }))),
        ("apple", &bare[..], Some(json!({ "user": email }))),
    ] {
        let claims = claims(set(revoked(), Subject::email("ada@example.com"), &built_in(id))).unwrap();
        assert_eq!(names(&claims), claim_names, "{id}");
        assert_eq!(claims.get("sub_id"), claim_names.contains(&"sub_id").then_some(&email), "{id}");
        let event = &claims["events"][REVOKED];
        assert_eq!(event.get("subject"), in_event.as_ref(), "{id}");
        assert_eq!(event["event_timestamp"].to_string(), "1767225590", "{id}");
        assert_eq!(event["reason_admin"], json!({ "en": "Laptop lost" }), "{id}");
    }
}

#[test]
fn gov_uk_has_the_subject_in_the_event_and_takes_txn_and_toe_only_inbound() {
    let subject = || Subject::uri("urn:fdc:gov.uk:2022:abc");
    let one_login = claims(set(risc::AccountPurged::new(), subject(), &built_in("govuk-one-login"))).unwrap();
    assert_eq!(names(&one_login), ["aud", "events", "iat", "iss", "jti", "toe", "txn"]);
    let app = claims(set(risc::AccountPurged::new(), subject(), &built_in("govuk-app"))).unwrap();
    assert_eq!(names(&app), ["aud", "events", "iat", "iss", "jti"]);
    for claims in [one_login, app] {
        let (_, event) = claims["events"].as_object().unwrap().iter().next().unwrap();
        assert_eq!(event["subject"], json!({ "format": "uri", "uri": "urn:fdc:gov.uk:2022:abc" }));
    }
}

#[test]
fn login_gov_has_the_deprecated_form_and_its_own_name_for_the_time() {
    let event_type = ssf_transmitter::event::login_gov::IdentityFraudDetected::new().with_occurred_at(time());
    let subject = Subject::iss_sub("https://idp.int.identitysandbox.gov", "user-1");
    let claims = claims(set(event_type, subject, &built_in("login-gov"))).unwrap();
    assert_eq!(names(&claims), ["aud", "events", "iat", "iss", "jti"]);
    let expected = json!({
        "occurred_at": 1_767_225_590,
        "subject": { "subject_type": "iss-sub", "iss": "https://idp.int.identitysandbox.gov", "sub": "user-1" }
    });
    let (_, event) = claims["events"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(event, &expected);
}

const APPLE: [&str; 4] =
    ["caep.session-revoked", "caep.credential-change", "ssf.verification", "ssf.stream-updated"];

#[test]
fn a_receiver_that_lists_its_events_is_sent_no_others() {
    let risc = |names: &[&str]| names.iter().map(|name| format!("risc.{name}")).collect::<Vec<_>>();
    let mut one_login = risc(&[
        "account-credential-change-required",
        "account-disabled",
        "account-enabled",
        "account-purged",
        "identifier-changed",
        "identifier-recycled",
        "credential-compromise",
        "opt-in",
        "opt-out-initiated",
        "opt-out-cancelled",
        "opt-out-effective",
        "recovery-activated",
        "recovery-information-changed",
        "sessions-revoked",
    ]);
    for name in [
        "caep.session-revoked",
        "caep.token-claims-change",
        "caep.credential-change",
        "caep.assurance-level-change",
        "caep.device-compliance-change",
        "govuk.account-concern",
        "govuk.account-block",
        "govuk.device-concern",
        "govuk.credential-concern",
        "govuk.session-recovered",
        "govuk.event-metadata",
        "govuk.event-details",
    ] {
        one_login.push(name.to_owned());
    }
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let all: Vec<_> = EVENTS.iter().map(|event| event.id.to_owned()).collect();
    for (id, mut expected) in [
        ("ssf-1.0", all.clone()),
        ("caep-interop", all),
        (
            "okta",
            owned(&[
                "okta.user-risk-change",
                "okta.device-risk-change",
                "okta.ip-change",
                "caep.session-revoked",
                "caep.device-compliance-change",
                "risc.identifier-changed",
            ]),
        ),
        ("govuk-one-login", one_login),
        (
            "govuk-app",
            owned(&[
                "risc.account-purged",
                "caep.credential-change",
                "govuk.credential-change-information",
                "ssf.verification",
                "ssf.sse-verification",
            ]),
        ),
        ("google-workspace", owned(&["caep.session-revoked"])),
        (
            "login-gov",
            owned(&["login-gov.authorization-fraud-detected", "login-gov.identity-fraud-detected"]),
        ),
        ("apple", owned(&APPLE)),
    ] {
        let mut accepted: Vec<_> = EVENTS
            .iter()
            .filter(|kind| {
                let uri = kind.uri.replace("{event_name}", "accountDisabled");
                let event = CustomEvent::new(uri.as_str(), members(kind.fields));
                let built = claims(set(event, Subject::opaque("1"), &built_in(id)));
                match built {
                    Err(error)
                        if error.code() == ErrorCode::EventNotAccepted
                            && error.pointer() != Some("/sub_id") =>
                    {
                        let pointer = format!("/events/{}", uri.replace('/', "~1"));
                        assert_eq!(error.pointer(), Some(pointer.as_str()));
                        false
                    }
                    _ => true,
                }
            })
            .map(|kind| kind.id.to_owned())
            .collect();
        accepted.sort();
        expected.sort();
        assert_eq!(accepted, expected, "{id}");
    }
}

/// The members that an event requires, valid.
fn members(fields: &[ssf_transmitter::catalogue::Field]) -> Map<String, Value> {
    let value = |kind: FieldType| match kind {
        FieldType::Enum { values, .. } => json!(values[0]),
        FieldType::Timestamp => json!(1_767_225_590),
        FieldType::Object => json!({ "a": 1 }),
        FieldType::List => json!(["a"]),
        FieldType::Subject => json!({ "format": "opaque", "id": "1" }),
        FieldType::Localized => json!({ "en": "text" }),
        _ => json!("text"),
    };
    fields
        .iter()
        .filter(|field| field.required)
        .map(|field| (field.name.to_owned(), value(field.kind)))
        .collect()
}

#[test]
fn an_event_of_ones_own_goes_only_to_receivers_without_a_list() {
    for id in Dialect::ids() {
        let own =
            CustomEvent::new("https://edr.example.com/events/quarantine", [("host", json!("laptop-7"))]);
        let built = claims(set(own, Subject::email("ada@example.com"), &built_in(id)));
        if ["ssf-1.0", "caep-interop"].contains(&id) {
            assert!(built.is_ok(), "{id}");
        } else {
            let place = json!("/events/https:~1~1edr.example.com~1events~1quarantine");
            refused(built, &json!("event_not_accepted"), &place).unwrap();
        }
    }
}

#[test]
fn the_interoperability_profile_wants_a_reason_for_admins() {
    let interop = built_in("caep-interop");
    let email = || Subject::email("ada@example.com");
    fails(
        set(caep::SessionRevoked::new(), email(), &interop),
        "event_member_missing",
        &place(REVOKED, "reason_admin"),
    );
    let change = || caep::CredentialChange::new(CredentialType::Password, ChangeType::Update);
    let uri = "https://schemas.openid.net/secevent/caep/event-type/credential-change";
    fails(set(change(), email(), &interop), "event_member_missing", &place(uri, "reason_admin"));
    assert!(claims(set(change().with_reason_admin("de", "Grund"), email(), &interop)).is_ok());
}

#[test]
fn okta_wants_a_time_and_a_reason_that_has_english() {
    let okta = built_in("okta");
    let email = || Subject::email("ada@example.com");
    let untimed = caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
    fails(set(untimed, email(), &okta), "event_member_missing", &place(REVOKED, "event_timestamp"));
    let timed = || caep::SessionRevoked::new().with_event_timestamp(time());
    fails(set(timed(), email(), &okta), "event_member_missing", &place(REVOKED, "reason_admin"));
    let german = timed().with_reason_admin("de", "Laptop verloren");
    fails(set(german, email(), &okta), "event_member_missing", &place(REVOKED, "reason_admin/en"));
    let one_of_two = timed().with_reason_admin("en", "Laptop lost").with_reason_user("de", "Abgemeldet");
    fails(set(one_of_two, email(), &okta), "event_member_missing", &place(REVOKED, "reason_user/en"));
    let either = timed().with_reason_user("en", "Signed out").with_reason_user("de", "Abgemeldet");
    assert!(claims(set(either, email(), &okta)).is_ok());
}

#[test]
fn okta_knows_two_members_of_a_complex_subject() {
    let okta = built_in("okta");
    let subject =
        ComplexSubject::new().with_user(Subject::email("a@example.com")).with_session(Subject::opaque("s"));
    fails(set(revoked(), subject, &okta), "subject_not_accepted", &place(REVOKED, "subject/session"));
    let risk = okta::DeviceRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, time())
        .with_reason_admin("en", "x");
    let event = event(set(risk, Subject::opaque("device-1"), &okta));
    assert_eq!(event["subject"], json!({ "device": { "format": "opaque", "id": "device-1" } }));
}

#[test]
fn gov_uk_one_login_spells_and_lists_values_its_own_way() {
    let dialect = built_in("govuk-one-login");
    let uri = || Subject::uri("urn:fdc:gov.uk:2022:abc");
    let compliance =
        caep::DeviceComplianceChange::new(ComplianceStatus::NotCompliant, ComplianceStatus::Compliant);
    let device = ComplexSubject::new().with_device(Subject::opaque("device-1"));
    let made = event(set(compliance, device, &dialect));
    let statuses = [&made["current_status"], &made["previous_status"]];
    assert!(
        statuses.contains(&&json!("non-compliant")) && statuses.contains(&&json!("compliant")),
        "{statuses:?}"
    );

    let own = caep::CredentialChange::new(CredentialType::Other("retina".to_owned()), ChangeType::Create);
    let change = "https://schemas.openid.net/secevent/caep/event-type/credential-change";
    fails(set(own, uri(), &dialect), "event_member_value", &place(change, "credential_type"));

    let level = "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change";
    let alone = || caep::AssuranceLevelChange::new(AssuranceNamespace::NistAal, "nist-aal2");
    fails(set(alone(), uri(), &dialect), "event_member_missing", &place(level, "previous_level"));
    let before = alone().with_previous_level("nist-aal1");
    fails(set(before, uri(), &dialect), "event_member_missing", &place(level, "change_direction"));

    let changed = "https://schemas.openid.net/secevent/risc/event-type/identifier-changed";
    let without = risc::IdentifierChanged::new();
    fails(
        set(without, Subject::email("a@example.com"), &dialect),
        "event_member_missing",
        &place(changed, "new-value"),
    );
}

#[test]
fn gov_uk_one_login_takes_an_event_and_two_companions_with_one_subject() {
    let dialect = built_in("govuk-one-login");
    let set = |number: usize| {
        let set = set(risc::AccountDisabled::new(), Subject::uri("urn:fdc:gov.uk:2022:abc"), &dialect);
        let set = set.event(govuk::EventMetadata::new()).event(govuk::EventDetails::new("accountDisabled"));
        (3..number).fold(set, |set, _| set.event(risc::AccountEnabled::new()))
    };
    let claims = claims(set(3)).unwrap();
    let with_subject: Vec<_> = claims["events"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, event)| event.get("subject").is_some())
        .map(|(uri, _)| uri.as_str())
        .collect();
    assert_eq!(with_subject, ["https://schemas.openid.net/secevent/risc/event-type/account-disabled"]);
    fails(set(4), "events_too_many", "/events");
}

#[test]
fn the_gov_uk_app_is_verified_by_the_older_uri_with_a_state_and_without_a_subject() {
    let dialect = built_in("govuk-app");
    let verification = |state: Option<&str>| {
        let event =
            state.map_or_else(ssf::Verification::new, |state| ssf::Verification::new().with_state(state));
        SetBuilder::new(ISSUER, AUDIENCE).event(event).dialect(&dialect)
    };
    let claims = claims(verification(Some("abc"))).unwrap();
    let expected =
        json!({ "https://schemas.openid.net/secevent/sse/event-type/verification": { "state": "abc" } });
    assert_eq!(claims["events"], expected);
    let place = place("https://schemas.openid.net/secevent/sse/event-type/verification", "state");
    fails(verification(None), "event_member_missing", &place);
}

#[test]
fn receivers_that_take_rs256_are_sent_nothing_else() {
    for id in Dialect::ids() {
        for algorithm in Algorithm::ALL {
            // Findings are told and not refused, so that this one is seen whatever else is wrong with it.
            let policy = LintPolicy::new().refuse(None).report(Some(Severity::Error));
            let set = set(revoked(), Subject::opaque("1"), &built_in(id)).lint(policy);
            let set = set.prepare(SigningHeader::new(*algorithm, "k")).unwrap();
            let refused = set.findings().iter().any(|finding| finding.rule().id == "alg-not-accepted");
            let rs256_only = !["ssf-1.0", "google-workspace", "apple"].contains(&id);
            assert_eq!(refused, rs256_only && *algorithm != Algorithm::Rs256, "{id} {algorithm}");
        }
    }
}

#[test]
fn only_gov_uk_one_login_is_sent_no_kid() {
    for id in Dialect::ids() {
        let dialect =
            toml(&format!("extends = \"{id}\"\n[accept]\nonly_listed = false\n[subject]\nformats = []"));
        let own = CustomEvent::new("https://edr.example.com/e", [("a", json!(1))]);
        let set = set(own, Subject::email("ada@example.com"), &dialect);
        let header = SigningHeader::new(Algorithm::Rs256, "the-key");
        let decoded = set.prepare(header).unwrap().decode().unwrap();
        assert_eq!(decoded.header().contains_key("kid"), id != "govuk-one-login", "{id}");
    }
}

// A custom dialect, setting by setting.

#[test]
fn extends_takes_over_everything_that_is_not_written() {
    let dialect = toml("extends = \"okta\"\n[time]\nunit = \"ms\"");
    assert_eq!(dialect.id(), "own");
    assert_eq!(dialect.title(), built_in("okta").title());
    let event = event(set(revoked(), Subject::email("a@example.com"), &dialect));
    assert_eq!(event["event_timestamp"].to_string(), "1767225590643");
    assert_eq!(event["subject"]["user"]["email"], "a@example.com");
    let further = dialect.extended("id = \"further\"\n[subject]\nsub_id = true").unwrap();
    let claims = claims(set(revoked(), Subject::email("a@example.com"), &further)).unwrap();
    assert_eq!(claims["events"][REVOKED]["event_timestamp"].to_string(), "1767225590643");
    assert_eq!(claims["sub_id"]["email"], "a@example.com");
}

#[test]
fn without_extends_it_is_ssf_1_0() {
    let claims = |dialect: &Dialect| {
        let set = set(revoked(), Subject::email("a@example.com"), dialect);
        claims(set.jti("1").issued_at(time())).unwrap()
    };
    assert_eq!(claims(&toml("")), claims(&built_in("ssf-1.0")));
}

#[test]
fn the_place_and_form_of_the_subject_are_settings() {
    let claims = |settings: &str| {
        claims(set(revoked(), Subject::iss_sub("i", "s"), &toml(&format!("[subject]\n{settings}")))).unwrap()
    };
    let subject = |settings: &str| claims(settings)["events"][REVOKED]["subject"].clone();
    let plain = json!({ "format": "iss_sub", "iss": "i", "sub": "s" });
    assert_eq!(subject("in_event = \"always\""), plain);
    assert_eq!(subject("in_event = \"never\""), Value::Null);
    assert_eq!(
        subject("in_event = \"always\"\nwrap = \"user\""),
        json!({ "format": "complex", "user": plain })
    );
    let legacy = json!({ "subject_type": "iss-sub", "iss": "i", "sub": "s" });
    assert_eq!(subject("in_event = \"always\"\nshape = \"legacy\""), legacy);
    let bare = "in_event = \"always\"\nshape = \"bare-complex\"\nwrap = \"tenant\"";
    assert_eq!(subject(bare), json!({ "tenant": plain }));
    let renamed =
        "in_event = \"always\"\nrename.iss_sub = { format = \"pair\", members = { iss = \"issuer\" } }";
    assert_eq!(subject(renamed), json!({ "format": "pair", "issuer": "i", "sub": "s" }));
    assert_eq!(claims("in_event = \"always\"\nsub_id = false").get("sub_id"), None);
}

#[test]
fn a_set_whose_subject_has_no_place_is_refused() {
    let nowhere = toml("[subject]\nsub_id = false\nin_event = \"never\"");
    fails(set(revoked(), Subject::opaque("1"), &nowhere), "subject_missing", &place(REVOKED, "subject"));
}

#[test]
fn the_formats_of_subjects_are_a_setting_for_all_events_and_for_one() {
    let dialect = toml("[subject]\nformats = [\"email\"]\n[events.\"risc.opt-in\"]\nformats = [\"opaque\"]");
    fails(set(revoked(), Subject::opaque("1"), &dialect), "subject_not_accepted", "/sub_id/format");
    assert!(claims(set(revoked(), Subject::email("a@example.com"), &dialect)).is_ok());
    assert!(claims(set(risc::OptIn::new(), Subject::opaque("1"), &dialect)).is_ok());
    fails(
        set(risc::OptIn::new(), Subject::email("a@example.com"), &dialect),
        "subject_not_accepted",
        "/sub_id/format",
    );
}

#[test]
fn the_unit_and_the_name_of_the_time_are_settings() {
    let event =
        |settings: &str| event(set(revoked(), Subject::opaque("1"), &toml(&format!("[time]\n{settings}"))));
    assert_eq!(event("unit = \"ms\"")["event_timestamp"].to_string(), "1767225590643");
    let renamed = event("member = \"occurred_at\"");
    assert_eq!(renamed["occurred_at"].to_string(), "1767225590");
    assert_eq!(renamed.get("event_timestamp"), None);
}

#[test]
fn the_claims_and_header_members_are_settings() {
    let dialect = toml(
        "[set]\ntxn = \"omit\"\ntoe = false\nkid = false\nalgorithms = [\"ES256\"]\naudience = \"string\"",
    );
    let made = set(revoked(), Subject::opaque("1"), &dialect)
        .prepare(SigningHeader::new(Algorithm::Es256, "k"))
        .unwrap();
    let decoded = made.decode().unwrap();
    assert_eq!(
        names(&Value::Object(decoded.claims().clone())),
        ["aud", "events", "iat", "iss", "jti", "sub_id"]
    );
    assert_eq!(names(&Value::Object(decoded.header().clone())), ["alg", "typ"]);
    fails(set(revoked(), Subject::opaque("1"), &dialect), "algorithm_not_accepted", "/alg");
}

#[test]
fn the_rules_for_one_event_are_settings_by_id_or_by_uri() {
    let rules =
        "required = [\"a\"]\nany_of = [\"b\", \"c\"]\nvalues.a = [\"x\"]\nspelling.b = { old = \"new\" }";
    let uri = "https://edr.example.com/e";
    let dialect = toml(&format!("[events.\"{uri}\"]\n{rules}"));
    let made = |members: Value| {
        let members: Map<_, _> = members.as_object().unwrap().clone();
        set(CustomEvent::new(uri, members), Subject::opaque("1"), &dialect)
    };
    fails(made(json!({ "b": "old" })), "event_member_missing", &place(uri, "a"));
    fails(made(json!({ "a": "x" })), "event_member_missing", &place(uri, "b"));
    fails(made(json!({ "a": "y", "c": 1 })), "event_member_value", &place(uri, "a"));
    fails(made(json!({ "a": 1, "c": 1 })), "event_member_value", &place(uri, "a"));
    assert_eq!(event(made(json!({ "a": "x", "b": "old" }))), json!({ "a": "x", "b": "new" }));
    assert_eq!(event(made(json!({ "a": "x", "b": "other" }))), json!({ "a": "x", "b": "other" }));

    let languages = toml("[events.\"caep.session-revoked\"]\nlanguages = [\"cy\"]");
    fails(
        set(revoked(), Subject::opaque("1"), &languages),
        "event_member_missing",
        &place(REVOKED, "reason_admin/cy"),
    );
    let without = toml("[subject]\nsub_id = false\n[events.\"caep.session-revoked\"]\nsubject = \"none\"");
    let set = SetBuilder::new(ISSUER, AUDIENCE).event(revoked()).dialect(&without);
    assert_eq!(event(set).get("subject"), None);
}

#[test]
fn only_listed_and_other_uris_are_settings() {
    let listed = toml("[accept]\nonly_listed = true\n[events.\"risc.opt-in\"]");
    assert!(claims(set(risc::OptIn::new(), Subject::opaque("1"), &listed)).is_ok());
    let not_listed = format!("/events/{}", REVOKED.replace('/', "~1"));
    fails(set(revoked(), Subject::opaque("1"), &listed), "event_not_accepted", &not_listed);
    let renamed = toml("[uris]\n\"caep.session-revoked\" = \"urn:example:revoked\"");
    let claims = claims(set(revoked(), Subject::opaque("1"), &renamed)).unwrap();
    assert_eq!(claims["events"].as_object().unwrap().keys().collect::<Vec<_>>(), ["urn:example:revoked"]);
}

#[test]
fn delivery_settings_are_read() {
    let text = "[delivery]\npath = \"/events\"\nsuccess = \"2xx\"\nauthorization = \"required\"";
    assert_eq!(toml(text).id(), "own");
    for wrong in [
        "success = \"200\"",
        "authorization = \"basic\"",
        "path = 1",
        "duplicates = [409]",
        "duplicates = [{ err = \"dup\" }]",
        "duplicates = [{ status = 202 }]",
        "duplicates = [{ status = 500 }]",
    ] {
        let error = Dialect::from_toml(&format!("id = \"own\"\n[delivery]\n{wrong}")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DialectInvalid, "{wrong}");
    }
}

#[test]
fn a_key_that_is_no_setting_is_refused_by_its_name_and_line() {
    for (text, key, line) in [
        ("id = \"own\"\n[set]\ntxxn = \"omit\"", "txxn", 3),
        ("id = \"own\"\ncolour = \"red\"", "colour", 2),
        ("id = \"own\"\n\n[subject]\nsub_id = true\nsubid = true", "subid", 5),
        ("id = \"own\"\n[events.\"caep.session-revoked\"]\nrequire = []", "require", 3),
        ("id = \"own\"\n[subject.rename.email]\nformat = \"mail\"\nmember = {}", "member", 4),
    ] {
        let error = Dialect::from_toml(text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DialectInvalid, "{text}");
        assert!(error.message().contains(&format!("`{key}`")), "{}", error.message());
        assert!(error.message().contains(&format!("line {line}")), "{}", error.message());
    }
}

#[test]
fn what_does_not_fit_is_refused_with_its_line() {
    for (text, line) in [
        ("id = \"own\"\n[set]\nmax_events = \"two\"", 3),
        ("id = \"own\"\n[set]\ntxn = \"sometimes\"", 3),
        ("id = \"own\"\n[time]\nunit = \"min\"", 3),
        ("id = \"own\"\n[subject]\nin_event = true", 3),
        ("id = \"own\"\n[set\n", 2),
        ("id = \"own\"\nid = \"again\"", 2),
        ("id = \"own\"\nset = 1", 2),
    ] {
        let error = Dialect::from_toml(text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DialectInvalid, "{text}");
        assert!(error.message().contains(&format!("line {line}")), "{}", error.message());
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    for (text, pointer) in [
        ("", "/id"),
        ("title = \"no id\"", "/id"),
        ("id = \"\"", "/id"),
        ("id = \"own\"\nextends = \"nobody\"", "/extends"),
        ("id = \"own\"\nextends = 1", "/extends"),
        ("id = \"own\"\nextends = \"own\"", "/extends"),
        ("id = \"own\"\n[set]\nmax_events = 0", "/set/max_events"),
        ("id = \"own\"\n[set]\nalgorithms = [\"RS256\", \"HS256\"]", "/set/algorithms/1"),
        ("id = \"own\"\n[subject]\nformats = [\"mail\"]", "/subject/formats/0"),
        ("id = \"own\"\n[events.\"session-revoked\"]", "/events/session-revoked"),
        ("id = \"own\"\n[events.\"risc.opt-in\"]\nformats = [\"mail\"]", "/events/risc.opt-in/formats/0"),
        ("id = \"own\"\n[uris]\n\"risc.opt-in\" = \"no uri\"", "/uris/risc.opt-in"),
        ("id = \"own\"\n[uris]\n\"risc.opt-up\" = \"urn:x:y\"", "/uris/risc.opt-up"),
    ] {
        let code = json!("dialect_invalid");
        refused(Dialect::from_toml(text), &code, &json!(pointer))
            .unwrap_or_else(|failure| panic!("{text}: {failure}"));
    }
}

#[test]
fn vendor_events_keep_the_place_that_their_definition_gives_the_subject() {
    for kind in EVENTS.iter().filter(|kind| kind.placement == Placement::Event && kind.formats.is_empty()) {
        let event = CustomEvent::new(kind.uri, members(kind.fields));
        let claims = claims(set(event, Subject::opaque("1"), &Dialect::default())).unwrap();
        assert!(claims["events"][kind.uri].get("subject").is_some(), "{}", kind.id);
        assert_eq!(claims["sub_id"], json!({ "format": "opaque", "id": "1" }), "{}", kind.id);
    }
}
