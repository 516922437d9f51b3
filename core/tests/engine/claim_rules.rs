//! The rules for the claims of a SET, one test each (RFC 8417, SSF 1.0 §3, §4; RFC 7515, RFC 7519).

use std::collections::BTreeSet;

use crate::common::{AUDIENCE, ISSUER, claims, refused};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use ssf_transmitter::{
    Algorithm, ComplexSubject, CustomEvent, Dialect, Error, KeyType, SetBuilder, SigningKey, Subject,
    Timestamp,
    event::{caep, risc, scim, ssf},
    key::SigningHeader,
    set::Audience,
    time::Clock,
};

/// A SET that breaks no rule.
fn set() -> SetBuilder {
    SetBuilder::new(ISSUER, AUDIENCE)
        .event(caep::SessionRevoked::new())
        .subject(Subject::email("ada@example.com"))
}

fn built(set: SetBuilder) -> Value {
    claims(set).unwrap()
}

fn fails(set: SetBuilder, code: &str, pointer: &str) {
    refused(claims(set), &json!(code), &json!(pointer)).unwrap();
}

fn toml(text: &str) -> Dialect {
    Dialect::from_toml(text).unwrap()
}

fn scim_response() -> SetBuilder {
    SetBuilder::new(ISSUER, AUDIENCE)
        .event(scim::AsyncResponse::new("PUT", "200"))
        .subject(Subject::scim("/Users/2819c223"))
}

#[test]
fn set_1_iss_is_there_and_not_empty() {
    assert_eq!(built(set())["iss"], ISSUER);
    let empty =
        SetBuilder::new("", AUDIENCE).event(caep::SessionRevoked::new()).subject(Subject::opaque("1"));
    fails(empty, "issuer_invalid", "/iss");
}

#[test]
fn set_2_iss_goes_out_character_by_character() {
    for issuer in
        ["https://Tr.Example.com/", "https://tr.example.com/issuer1", "urn:example:client", "<issuer_id>"]
    {
        let set = SetBuilder::new(issuer, AUDIENCE)
            .event(caep::SessionRevoked::new())
            .subject(Subject::opaque("1"));
        assert_eq!(built(set)["iss"], issuer);
    }
}

#[test]
fn set_3_iat_is_the_time_of_the_clock_in_whole_seconds_rounded_down() {
    for (millis, seconds) in
        [(1_767_225_590_000, 1_767_225_590), (1_767_225_590_999, 1_767_225_590), (-1, -1), (0, 0)]
    {
        let clock = Timestamp::from_unix_millis(millis);
        assert_eq!(built(set().clock(&clock))["iat"], json!(seconds));
        assert_eq!(built(set().issued_at(clock))["iat"].to_string(), seconds.to_string());
    }
}

#[test]
fn set_3_iat_is_the_present_without_a_clock() {
    let before = Timestamp::now().as_unix_seconds();
    let iat = built(set())["iat"].as_i64().unwrap();
    assert!((before..=Timestamp::now().as_unix_seconds()).contains(&iat));
}

#[test]
fn set_3_a_clock_of_ones_own_is_asked() {
    struct Stopped;
    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_seconds(1_615_305_159)
        }
    }
    assert_eq!(built(set().clock(&Stopped))["iat"], 1_615_305_159);
}

#[test]
fn set_4_jti_is_128_random_bits_and_never_the_same() {
    let ids: BTreeSet<_> = (0..1000).map(|_| built(set())["jti"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1000);
    let mut ones = 0;
    for id in &ids {
        let bytes = URL_SAFE_NO_PAD.decode(id).unwrap();
        assert_eq!(bytes.len(), 16);
        ones += bytes.iter().map(|byte| byte.count_ones()).sum::<u32>();
    }
    // Half of 128 000 bits; 2 000 are more than ten standard deviations.
    assert!((62_000..66_000).contains(&ones), "{ones} of 128000 bits are set");
}

#[test]
fn set_4_a_given_jti_goes_out_unchanged_and_is_not_empty() {
    assert_eq!(built(set().jti("AbC-1 ü"))["jti"], "AbC-1 ü");
    fails(set().jti(""), "jti_invalid", "/jti");
}

#[test]
fn set_5_a_repeat_is_the_same_set_and_a_new_set_has_a_new_jti() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let unsigned = set().prepare(&key).unwrap();
    let (first, second) = (unsigned.clone().sign(&key).unwrap(), unsigned.clone().sign(&key).unwrap());
    assert_eq!(first.jti(), unsigned.jti());
    assert_eq!(first.jti(), second.jti());
    assert_eq!(first.clone().as_str(), first.as_str());
    assert_ne!(set().sign(&key).unwrap().jti(), first.jti());
}

#[test]
fn set_6_aud_is_a_string_or_an_array_as_given() {
    assert_eq!(built(set())["aud"], json!(AUDIENCE));
    let array = ["receiver.example.com/web", "receiver.example.com/mobile"];
    let set = SetBuilder::new(ISSUER, array).event(caep::SessionRevoked::new()).subject(Subject::opaque("1"));
    assert_eq!(built(set)["aud"], json!(array));
    let set =
        SetBuilder::new(ISSUER, ["one"]).event(caep::SessionRevoked::new()).subject(Subject::opaque("1"));
    assert_eq!(built(set)["aud"], json!(["one"]));
}

#[test]
fn set_6_aud_is_never_empty() {
    for audience in [Audience::from(""), Vec::<String>::new().into(), ["a", ""].into()] {
        let set = SetBuilder::new(ISSUER, audience)
            .event(caep::SessionRevoked::new())
            .subject(Subject::opaque("1"));
        fails(set, "audience_missing", "/aud");
    }
}

#[test]
fn set_7_several_audiences_do_not_go_to_a_receiver_of_one() {
    let to = |audience: Audience| {
        SetBuilder::new(ISSUER, audience)
            .event(
                caep::SessionRevoked::new().with_event_timestamp(Timestamp::from_unix_seconds(1_767_225_590)),
            )
            .subject(Subject::email("ada@example.com"))
            .dialect(&Dialect::built_in("google-workspace").unwrap())
    };
    fails(to(["a", "b"].into()), "audience_not_single", "/aud");
    assert_eq!(built(to(["a"].into()))["aud"], "a");
}

#[test]
fn set_8_events_is_an_object_by_uri_with_an_empty_object_where_there_is_nothing_to_say() {
    let claims = built(set());
    assert_eq!(
        claims["events"],
        json!({ "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {} })
    );
    let none = SetBuilder::new(ISSUER, AUDIENCE).subject(Subject::opaque("1"));
    fails(none, "event_missing", "/events");
}

#[test]
fn set_8_an_event_type_is_a_uri() {
    for (uri, step) in [("session-revoked", "session-revoked"), ("", ""), ("https://a b", "https:~1~1a b")] {
        let event = CustomEvent::new(uri, [("a", json!(1))]);
        let set = SetBuilder::new(ISSUER, AUDIENCE).event(event).subject(Subject::opaque("1"));
        fails(set, "event_uri_invalid", &format!("/events/{step}"));
    }
}

#[test]
fn set_9_one_event_in_a_set_unless_the_dialect_takes_more() {
    let two = || set().event(risc::AccountDisabled::new());
    fails(two(), "events_too_many", "/events");
    let dialect = toml("id = \"two\"\n[set]\nmax_events = 2");
    assert_eq!(built(two().dialect(&dialect))["events"].as_object().unwrap().len(), 2);
    fails(two().event(risc::AccountEnabled::new()).dialect(&dialect), "events_too_many", "/events");
}

#[test]
fn set_9_the_same_event_does_not_stand_twice() {
    let twice =
        set().event(caep::SessionRevoked::new()).dialect(&toml("id = \"two\"\n[set]\nmax_events = 2"));
    let pointer = "/events/https:~1~1schemas.openid.net~1secevent~1caep~1event-type~1session-revoked";
    fails(twice, "events_too_many", pointer);
}

#[test]
fn set_10_the_interoperability_profile_takes_exactly_one_event() {
    let dialect = Dialect::built_in("caep-interop").unwrap();
    let event = || caep::SessionRevoked::new().with_reason_admin("en", "Laptop lost");
    let one = SetBuilder::new(ISSUER, AUDIENCE).event(event()).subject(Subject::email("ada@example.com"));
    assert_eq!(built(one.clone().dialect(&dialect))["events"].as_object().unwrap().len(), 1);
    fails(one.event(risc::AccountDisabled::new()).dialect(&dialect), "events_too_many", "/events");
}

#[test]
fn set_11_the_subject_is_sub_id_at_the_top_and_every_set_has_one() {
    let claims = built(set());
    assert_eq!(claims["sub_id"], json!({ "format": "email", "email": "ada@example.com" }));
    let without = SetBuilder::new(ISSUER, AUDIENCE).event(caep::SessionRevoked::new());
    fails(without, "subject_missing", "/sub_id");
}

#[test]
fn set_12_no_event_has_a_subject_of_its_own_by_default() {
    let own = CustomEvent::new("https://edr.example.com/events/quarantine", [("host", json!("laptop-7"))]);
    for event in
        [ssf_transmitter::Event::from(caep::SessionRevoked::new()), risc::OptIn::new().into(), own.into()]
    {
        let set = SetBuilder::new(ISSUER, AUDIENCE).event(event).subject(Subject::opaque("1"));
        let claims = built(set);
        let (_, event) = claims["events"].as_object().unwrap().iter().next().unwrap();
        assert_eq!(event.get("subject"), None);
    }
}

#[test]
fn set_12_new_event_types_must_not_have_a_subject() {
    let always = toml("id = \"always\"\n[subject]\nin_event = \"always\"");
    let verification =
        SetBuilder::new(ISSUER, AUDIENCE).event(ssf::Verification::new()).subject(Subject::opaque("1"));
    let claims = built(verification.dialect(&always));
    assert_eq!(
        claims["events"]["https://schemas.openid.net/secevent/ssf/event-type/verification"],
        json!({})
    );
    assert_eq!(claims["sub_id"]["id"], "1");
}

#[test]
fn set_12_a_subject_comes_from_the_call_and_never_from_the_members() {
    for uri in
        ["https://schemas.openid.net/secevent/caep/event-type/session-revoked", "https://edr.example.com/e"]
    {
        let event = CustomEvent::new(uri, [("subject", json!({ "format": "opaque", "id": "1" }))]);
        let set = SetBuilder::new(ISSUER, AUDIENCE).event(event).subject(Subject::opaque("1"));
        fails(set, "event_member_forbidden", &format!("/events/{}/subject", uri.replace('/', "~1")));
    }
}

#[test]
fn set_13_sub_is_refused() {
    fails(set().claim("sub", "248289761001"), "claim_forbidden", "/sub");
    assert_eq!(built(set()).get("sub"), None);
}

#[test]
fn set_14_exp_is_refused() {
    fails(set().claim("exp", 1_767_225_590), "claim_forbidden", "/exp");
    assert_eq!(built(set()).get("exp"), None);
}

#[test]
fn the_builders_own_claims_are_not_set_by_name() {
    for name in ["iss", "jti", "iat", "aud", "txn", "toe", "sub_id", "events"] {
        fails(set().claim(name, "x"), "claim_forbidden", &format!("/{name}"));
    }
}

#[test]
fn set_15_txn_is_random_unless_given() {
    let txns: BTreeSet<_> = (0..100).map(|_| built(set())["txn"].as_str().unwrap().to_owned()).collect();
    assert_eq!(txns.len(), 100);
    assert!(txns.iter().all(|txn| URL_SAFE_NO_PAD.decode(txn).unwrap().len() == 16));
    assert_eq!(built(set().txn("8675309"))["txn"], "8675309");
    fails(set().txn(""), "txn_missing", "/txn");
}

#[test]
fn set_15_txn_is_left_out_where_the_dialect_says_so() {
    let optional = toml("id = \"o\"\n[set]\ntxn = \"optional\"");
    assert_eq!(built(set().dialect(&optional)).get("txn"), None);
    assert_eq!(built(set().txn("1").dialect(&optional))["txn"], "1");
    let omit = toml("id = \"o\"\n[set]\ntxn = \"omit\"");
    assert_eq!(built(set().txn("1").dialect(&omit)).get("txn"), None);
}

#[test]
fn set_15_an_asynchronous_scim_response_has_the_txn_of_its_request_whatever_the_dialect() {
    for text in ["generate", "optional", "omit"] {
        let dialect = toml(&format!("id = \"t\"\n[set]\ntxn = \"{text}\""));
        fails(scim_response().dialect(&dialect), "txn_missing", "/txn");
        assert_eq!(built(scim_response().txn("734f0614").dialect(&dialect))["txn"], "734f0614");
    }
}

#[test]
fn set_16_toe_is_there_if_given_in_whole_seconds_and_where_the_dialect_takes_it() {
    assert_eq!(built(set()).get("toe"), None);
    let given = || set().toe(Timestamp::from_unix_millis(1_508_012_752_999));
    assert_eq!(built(given())["toe"].to_string(), "1508012752");
    assert_eq!(built(given().dialect(&toml("id = \"t\"\n[set]\ntoe = false"))).get("toe"), None);
}

#[test]
fn set_16_caep_says_the_time_inside_the_event() {
    let event =
        caep::SessionRevoked::new().with_event_timestamp(Timestamp::from_unix_millis(1_615_304_991_643));
    let claims = built(SetBuilder::new(ISSUER, AUDIENCE).event(event).subject(Subject::opaque("1")));
    let (_, event) = claims["events"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(event["event_timestamp"].to_string(), "1615304991");
    assert_eq!(claims.get("toe"), None);
}

#[test]
fn set_17_nbf_is_allowed() {
    assert_eq!(built(set().claim("nbf", 1_767_225_590))["nbf"], 1_767_225_590);
    assert_eq!(built(set()).get("nbf"), None);
}

#[test]
fn set_18_extra_members_go_out_wherever_they_stand() {
    let event = caep::SessionRevoked::new().with_member("x_score", json!({ "a": [1, null, true, 0.5] }));
    let subject = ComplexSubject::new().with_member("building", Subject::opaque("12"));
    let set = SetBuilder::new(ISSUER, AUDIENCE)
        .event(event)
        .subject(subject)
        .claim("sid", "08a5019c")
        .claim("https://example.com/claim", json!([{ "deep": {} }]));
    let claims = built(set);
    assert_eq!(claims["sid"], "08a5019c");
    assert_eq!(claims["https://example.com/claim"], json!([{ "deep": {} }]));
    assert_eq!(claims["sub_id"]["building"]["id"], "12");
    let (_, event) = claims["events"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(event["x_score"], json!({ "a": [1, null, true, 0.5] }));
}

#[test]
fn set_19_the_header_is_alg_kid_and_typ_and_nothing_else() {
    let header = SigningHeader::new(Algorithm::Es384, "key \"1\" ü");
    let decoded = set().prepare(header).unwrap().decode().unwrap();
    let expected = json!({ "alg": "ES384", "kid": "key \"1\" ü", "typ": "secevent+jwt" });
    assert_eq!(Value::Object(decoded.header().clone()), expected);
    let anonymous = SigningHeader::without_kid(Algorithm::Rs256);
    let decoded = set().prepare(anonymous).unwrap().decode().unwrap();
    assert_eq!(Value::Object(decoded.header().clone()), json!({ "alg": "RS256", "typ": "secevent+jwt" }));
}

#[test]
fn set_20_the_bytes_that_are_signed_are_the_bytes_that_are_sent() {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let unsigned = set().prepare(&key).unwrap();
    let input = String::from_utf8(unsigned.signing_input().to_vec()).unwrap();
    let signed = unsigned.sign(&key).unwrap();
    let (sent, signature) = signed.as_str().rsplit_once('.').unwrap();
    assert_eq!(sent, input);
    assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap().len(), 64);
}

#[test]
fn set_20_claims_are_utf_8_json_without_escapes_or_white_space_in_base64url_without_padding() {
    let event = caep::SessionRevoked::new().with_reason_user("it", "Non è più conforme 🔒");
    let set = SetBuilder::new(ISSUER, AUDIENCE).event(event).subject(Subject::opaque("1")).jti("1").txn("1");
    let header = SigningHeader::new(Algorithm::Rs256, "k");
    let unsigned = set.issued_at(Timestamp::from_unix_seconds(1)).prepare(header).unwrap();
    let input = std::str::from_utf8(unsigned.signing_input()).unwrap();
    let (head, payload) = input.split_once('.').unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(head).unwrap(), br#"{"alg":"RS256","kid":"k","typ":"secevent+jwt"}"#);
    let expected = concat!(
        r#"{"iss":"https://transmitter.example.com","jti":"1","iat":1,"aud":"https://receiver.example.net","txn":"1","#,
        r#""sub_id":{"format":"opaque","id":"1"},"events":{"#,
        r#""https://schemas.openid.net/secevent/caep/event-type/session-revoked":"#,
        r#"{"reason_user":{"it":"Non è più conforme 🔒"}}}}"#
    );
    assert_eq!(String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap(), expected);
}

#[test]
fn sig_2_and_3_the_algorithm_is_that_of_the_key() {
    let key = SigningKey::generate(KeyType::P384).unwrap();
    let set = set().sign(&key).unwrap();
    assert_eq!(set.decode().unwrap().header()["alg"], "ES384");
    let names: Vec<_> = Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
    assert!(
        !names.iter().any(|name| name.eq_ignore_ascii_case("none") || name.starts_with("HS")),
        "{names:?}"
    );
}

#[test]
fn sig_3_a_set_prepared_for_one_algorithm_is_not_signed_with_another() {
    let (own, other) =
        (SigningKey::generate(KeyType::P256).unwrap(), SigningKey::generate(KeyType::P384).unwrap());
    let signed = set().prepare(&own).unwrap().sign(&other);
    refused(signed, &json!("key_algorithm_mismatch"), &Value::Null).unwrap();
}

#[test]
fn a_subject_is_checked_when_the_set_is_built() {
    let invalid = SetBuilder::new(ISSUER, AUDIENCE)
        .event(caep::SessionRevoked::new())
        .subject(Subject::phone_number("+1 206 555 0123"));
    fails(invalid, "subject_member_value", "/sub_id/phone_number");
}

#[test]
fn the_first_error_is_told_and_nothing_is_built() {
    let result: Result<_, Error> = SetBuilder::new("", "").prepare(SigningHeader::new(Algorithm::Rs256, "k"));
    refused(result, &json!("issuer_invalid"), &json!("/iss")).unwrap();
}
