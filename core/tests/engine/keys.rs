//! Keys of our own: made, used with every algorithm, exported, rotated, never shown.

use std::{collections::BTreeSet, time::Duration};

use crate::common::{AUDIENCE, ISSUER, file, refused};
use base64::Engine as _;
use serde_json::{Value, json};
use ssf_transmitter::{
    Algorithm, ComplexSubject, CustomEvent, Dialect, Error, ErrorCode, Event, Jwks, KeySet, KeyType,
    PublicKey, SetBuilder, Signature, SignedSet, SigningKey, Subject, Timestamp,
    event::{ChangeType, CredentialType, LocalizedText, caep},
    key::{SigningHeader, TransmitterKey},
    secret::Secret,
    set::DecodedSet,
};

/// The private members of a JWK (RFC 7518 §6.2.2, §6.3.2, RFC 8037 §2).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

fn signed(key: &SigningKey) -> SignedSet {
    SetBuilder::new(ISSUER, AUDIENCE)
        .event(caep::SessionRevoked::new())
        .subject(Subject::opaque("session-1"))
        .sign(key)
        .unwrap()
}

fn verified(set: &SignedSet, jwks: &Jwks) -> Result<String, Error> {
    set.decode()?.verify(jwks).map(|key| key.kid().to_owned())
}

fn jwks(key: &SigningKey) -> Jwks {
    Jwks::new([key.public_key().clone()]).unwrap()
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.unwrap_err().code()
}

#[test]
fn every_kind_of_key_is_generated_with_its_default_algorithm() {
    for (kind, algorithm, type_, curve) in [
        (KeyType::Rsa2048, Algorithm::Rs256, "RSA", None),
        (KeyType::Rsa3072, Algorithm::Rs256, "RSA", None),
        (KeyType::P256, Algorithm::Es256, "EC", Some("P-256")),
        (KeyType::P384, Algorithm::Es384, "EC", Some("P-384")),
        (KeyType::P521, Algorithm::Es512, "EC", Some("P-521")),
        (KeyType::Ed25519, Algorithm::EdDsa, "OKP", Some("Ed25519")),
    ] {
        let key = SigningKey::generate(kind).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(key.kid(), key.public_key().thumbprint());
        let jwk = key.public_key().to_jwk();
        assert_eq!(jwk["kty"], type_);
        assert_eq!(jwk.get("crv").and_then(Value::as_str), curve);
        assert_eq!(jwk["alg"], algorithm.as_str());
        let set = signed(&key);
        assert_eq!(verified(&set, &jwks(&key)).unwrap(), key.kid());
        // Another key of the same kind has another kid; under the same one its signature does not verify.
        if kind != KeyType::Rsa3072 {
            let other = SigningKey::generate(kind).unwrap();
            assert_ne!(other.kid(), key.kid());
            assert_eq!(code(verified(&set, &jwks(&other))), ErrorCode::KeyNotFound);
            let impostor = other.with_kid(key.kid()).unwrap();
            assert_eq!(code(verified(&set, &jwks(&impostor))), ErrorCode::SignatureInvalid);
        }
    }
}

#[test]
fn rsa_keys_have_the_bits_that_were_asked_for() {
    for (kind, bytes) in [(KeyType::Rsa2048, 256), (KeyType::Rsa3072, 384), (KeyType::Rsa4096, 512)] {
        let key = SigningKey::generate(kind).unwrap();
        let set = signed(&key);
        let signature = set.as_str().rsplit('.').next().unwrap().len();
        assert_eq!(signature, (bytes * 8_usize).div_ceil(6), "{kind:?}");
    }
}

#[test]
fn a_key_signs_with_each_algorithm_that_fits_it_and_with_no_other() {
    let keys = [KeyType::Rsa2048, KeyType::P256, KeyType::P384, KeyType::P521, KeyType::Ed25519]
        .map(|kind| SigningKey::generate(kind).unwrap());
    let mut fitting = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        for algorithm in Algorithm::ALL {
            match key.clone().with_algorithm(*algorithm) {
                Ok(key) => {
                    fitting.push((index, algorithm.as_str()));
                    let set = signed(&key);
                    assert_eq!(set.decode().unwrap().header()["alg"], algorithm.as_str());
                    assert_eq!(verified(&set, &jwks(&key)).unwrap(), key.kid());
                }
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::KeyAlgorithmMismatch);
                    assert!(error.message().contains(key.algorithm().as_str()), "{}", error.message());
                }
            }
        }
    }
    let expected = [
        (0, "RS256"),
        (0, "RS384"),
        (0, "RS512"),
        (0, "PS256"),
        (0, "PS384"),
        (0, "PS512"),
        (1, "ES256"),
        (2, "ES384"),
        (3, "ES512"),
        (4, "EdDSA"),
        (4, "Ed25519"),
    ];
    assert_eq!(fitting, expected);
}

#[test]
fn a_published_key_takes_the_one_algorithm_that_it_names() {
    let rs256 = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let ps256 = rs256.clone().with_algorithm(Algorithm::Ps256).unwrap();
    assert_eq!(code(verified(&signed(&ps256), &jwks(&rs256))), ErrorCode::SignatureInvalid);
    assert_eq!(code(verified(&signed(&rs256), &jwks(&ps256))), ErrorCode::SignatureInvalid);
}

#[test]
fn signatures_of_ecdsa_have_fixed_length_also_where_numbers_are_short() {
    for (kind, bytes) in [(KeyType::P256, 64), (KeyType::P384, 96), (KeyType::P521, 132)] {
        let key = SigningKey::generate(kind).unwrap();
        // One number in 256 starts with a zero byte; P-521 starts with seven zero bits at any rate.
        for _ in 0..300 {
            let set = signed(&key);
            let signature = set.as_str().rsplit('.').next().unwrap().len();
            assert_eq!(signature, (bytes * 8_usize).div_ceil(6), "{kind:?}");
        }
        assert!(verified(&signed(&key), &jwks(&key)).is_ok());
    }
}

#[test]
fn a_key_goes_out_and_in_again_by_explicit_calls() {
    for (kind, algorithm) in [
        (KeyType::Rsa2048, Algorithm::Rs256),
        (KeyType::Rsa2048, Algorithm::Ps384),
        (KeyType::P256, Algorithm::Es256),
        (KeyType::P384, Algorithm::Es384),
        (KeyType::P521, Algorithm::Es512),
        (KeyType::Ed25519, Algorithm::EdDsa),
        (KeyType::Ed25519, Algorithm::Ed25519),
    ] {
        let key = SigningKey::generate(kind)
            .unwrap()
            .with_algorithm(algorithm)
            .unwrap()
            .with_kid("2026-01")
            .unwrap();
        let json = key.export_private_jwk().unwrap();
        let jwk: Value = serde_json::from_str(json.expose()).unwrap();
        assert!(jwk["d"].is_string() && jwk["kid"] == "2026-01" && jwk["alg"] == algorithm.as_str());
        let back = SigningKey::from_jwk(json.expose()).unwrap();
        assert_eq!((back.kid(), back.algorithm()), ("2026-01", algorithm));
        assert!(verified(&signed(&back), &jwks(&key)).is_ok());
        let set = json!({ "keys": [jwk] }).to_string();
        assert_eq!(SigningKey::from_jwks(&set, "2026-01").unwrap().kid(), "2026-01");

        let pem = key.export_private_pem().unwrap();
        assert!(pem.expose().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let back = SigningKey::from_pem(pem.expose()).unwrap();
        // PEM holds neither kid nor algorithm.
        assert_eq!(back.kid(), key.public_key().thumbprint());
        let back = back.with_kid("2026-01").unwrap().with_algorithm(algorithm).unwrap();
        assert!(verified(&signed(&back), &jwks(&key)).is_ok());

        let encrypted = key.export_encrypted_pem("correct horse").unwrap();
        assert!(encrypted.expose().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
        assert_eq!(code(SigningKey::from_pem(encrypted.expose())), ErrorCode::KeyPasswordMissing);
        assert_eq!(
            code(SigningKey::from_encrypted_pem(encrypted.expose(), "battery")),
            ErrorCode::KeyPasswordWrong
        );
        let back = SigningKey::from_encrypted_pem(encrypted.expose(), "correct horse").unwrap();
        assert_eq!(back.public_key().thumbprint(), key.public_key().thumbprint());
        assert_eq!(code(key.export_encrypted_pem("")), ErrorCode::KeyPasswordMissing);
    }
}

#[test]
fn a_key_that_is_bound_to_pss_stays_so() {
    let cases = file("keys.json");
    let bound = |name: &str| {
        let case = crate::common::list(&cases["cases"]).iter().find(|case| case["name"] == name).unwrap();
        SigningKey::from_pem(crate::common::text(&case["input"]["pem"])).unwrap()
    };
    let sha384 = bound("PEM RSA-PSS, bound to SHA-384");
    assert_eq!(sha384.algorithm(), Algorithm::Ps384);
    assert_eq!(code(sha384.clone().with_algorithm(Algorithm::Ps256)), ErrorCode::KeyAlgorithmMismatch);
    let renamed = sha384.with_kid("another").unwrap();
    assert_eq!(code(renamed.with_algorithm(Algorithm::Rs256)), ErrorCode::KeyAlgorithmMismatch);
    let any = bound("PEM RSA-PSS");
    assert_eq!(code(any.clone().with_algorithm(Algorithm::Rs256)), ErrorCode::KeyAlgorithmMismatch);
    for algorithm in [Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512] {
        let key = any.clone().with_algorithm(algorithm).unwrap();
        assert!(verified(&signed(&key), &jwks(&key)).is_ok());
    }
}

#[test]
fn the_kid_is_the_thumbprint_or_what_was_given_and_the_same_in_header_and_jwks() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    assert_eq!(key.kid(), key.public_key().thumbprint());
    let named = key.clone().with_kid("https://example.com/keys#1 ü").unwrap();
    assert_eq!(named.kid(), "https://example.com/keys#1 ü");
    assert_eq!(named.public_key().thumbprint(), key.public_key().thumbprint());
    assert_eq!(signed(&named).decode().unwrap().header()["kid"], named.kid());
    assert_eq!(named.public_key().to_jwk()["kid"], named.kid());
    refused(key.with_kid(""), &json!("kid_invalid"), &Value::Null).unwrap();
}

#[test]
fn a_public_key_is_read_from_every_form_that_it_is_written_in() {
    for kind in [KeyType::Rsa2048, KeyType::P256, KeyType::P384, KeyType::P521, KeyType::Ed25519] {
        let key = SigningKey::generate(kind).unwrap();
        let public = key.public_key();
        let pem = public.to_pem().unwrap();
        assert!(pem.starts_with("-----BEGIN PUBLIC KEY-----\n"));
        let from_pem = PublicKey::from_pem(&pem).unwrap();
        let from_jwk = PublicKey::from_jwk(&public.to_jwk().to_string()).unwrap();
        for read in [from_pem, from_jwk] {
            assert_eq!(read.to_jwk(), public.to_jwk());
            assert!(verified(&signed(&key), &Jwks::new([read]).unwrap()).is_ok());
        }
    }
    assert_eq!(code(PublicKey::from_pem("no key")), ErrorCode::KeyFormatUnknown);
    let public = SigningKey::generate(KeyType::P256).unwrap().public_key().clone();
    let pem = public.to_pem().unwrap();
    let in_base64 = base64::engine::general_purpose::STANDARD.encode(&pem);
    for text in [format!("\u{feff}{pem}"), pem.replace('\n', "\\n"), pem.replace('\n', " "), in_base64] {
        assert_eq!(PublicKey::from_pem(&text).unwrap().thumbprint(), public.thumbprint(), "{text}");
    }
    for (given, says) in [
        (public.to_jwk().to_string(), "as a JWK"),
        ("/etc/ssf/key.pem".to_owned(), "a file path"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----".to_owned(), "its public key"),
    ] {
        let error = PublicKey::from_pem(given).unwrap_err();
        assert!(error.message().contains(says), "{error}");
    }
    assert_eq!(code(PublicKey::from_der([])), ErrorCode::KeyFormatUnknown);
    assert_eq!(code(PublicKey::from_jwk("[]")), ErrorCode::JsonInvalid);
}

#[test]
fn a_jwks_has_public_members_only_and_each_kid_once() {
    let keys: Vec<_> = [KeyType::Rsa2048, KeyType::P256, KeyType::P384, KeyType::P521, KeyType::Ed25519]
        .map(|kind| SigningKey::generate(kind).unwrap())
        .into();
    let set = Jwks::new(keys.iter().map(|key| key.public_key().clone())).unwrap();
    let document: Value = serde_json::from_str(&set.to_json()).unwrap();
    let jwks = document["keys"].as_array().unwrap();
    assert_eq!(document.as_object().unwrap().len(), 1);
    assert_eq!(jwks.len(), 5);
    for (jwk, key) in jwks.iter().zip(&keys) {
        let members: BTreeSet<_> = jwk.as_object().unwrap().keys().map(String::as_str).collect();
        let expected: &[&str] = match jwk["kty"].as_str().unwrap() {
            "RSA" => &["alg", "e", "kid", "kty", "n", "use"],
            "EC" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
            _ => &["alg", "crv", "kid", "kty", "use", "x"],
        };
        assert_eq!(members.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(jwk["use"], "sig");
        assert_eq!(jwk["kid"], key.kid());
    }
    let twice = [keys[0].public_key().clone(), keys[0].public_key().clone()];
    assert_eq!(Jwks::new(twice).unwrap().keys().len(), 1);
    let clash = [keys[0].public_key().clone(), keys[1].public_key().clone().with_kid(keys[0].kid()).unwrap()];
    assert_eq!(code(Jwks::new(clash)), ErrorCode::KidDuplicate);
}

#[test]
fn a_private_jwk_gives_its_public_half_only() {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let private = key.export_private_jwk().unwrap();
    let read = PublicKey::from_jwk(private.expose()).unwrap();
    assert!(PRIVATE.iter().all(|name| read.to_jwk().get(name).is_none()));
    let set = Jwks::from_json(&format!(r#"{{"keys":[{}]}}"#, private.expose())).unwrap();
    assert!(PRIVATE.iter().all(|name| !set.to_json().contains(&format!("\"{name}\":"))));
}

#[test]
fn a_set_of_keys_publishes_before_it_signs_and_after() {
    let [first, second, third] = [(); 3].map(|()| SigningKey::generate(KeyType::P256).unwrap());
    let start = Timestamp::from_unix_seconds(1_767_225_590);
    let day = Duration::from_hours(24);
    let keys = KeySet::new(first.clone());
    let published = |keys: &KeySet| {
        keys.jwks().unwrap().keys().iter().map(|key| key.kid().to_owned()).collect::<Vec<_>>()
    };

    assert_eq!(code(keys.rotate(start, Duration::ZERO)), ErrorCode::KeySetNoNext);
    keys.stage(second.clone(), start).unwrap();
    assert_eq!((keys.active().kid(), keys.next().unwrap().kid()), (Some(first.kid()), Some(second.kid())));
    assert_eq!(published(&keys), [first.kid(), second.kid()]);

    let just_before = Timestamp::from_unix_millis(start.plus(day).as_unix_millis() - 1);
    assert_eq!(code(keys.rotate(just_before, day)), ErrorCode::KeySetTooEarly);
    assert_eq!(code(keys.rotate(Timestamp::from_unix_seconds(0), day)), ErrorCode::KeySetTooEarly);
    assert_eq!(keys.active().kid(), Some(first.kid()));
    assert!(keys.next().is_some());

    let before = signed(keys.active().local().unwrap());
    assert_eq!(keys.rotate(start.plus(day), day).unwrap(), first.kid());
    assert_eq!(keys.active().kid(), Some(second.kid()));
    assert!(keys.next().is_none());
    assert_eq!(keys.retired().iter().map(TransmitterKey::kid).collect::<Vec<_>>(), [Some(first.kid())]);
    assert_eq!(published(&keys), [second.kid(), first.kid()]);
    // Pending SETs still verify, and new ones do too.
    assert_eq!(verified(&before, &keys.jwks().unwrap()).unwrap(), first.kid());
    assert_eq!(
        verified(&signed(keys.active().local().unwrap()), &keys.jwks().unwrap()).unwrap(),
        second.kid()
    );

    assert_eq!(code(keys.stage(first.clone(), start)), ErrorCode::KidDuplicate);
    assert_eq!(code(keys.stage(second.clone(), start)), ErrorCode::KidDuplicate);
    assert_eq!(code(keys.remove(second.kid())), ErrorCode::KeySetActive);
    keys.remove(first.kid()).unwrap();
    assert_eq!(code(keys.remove(first.kid())), ErrorCode::KeyNotFound);
    assert_eq!(published(&keys), [second.kid()]);
    assert_eq!(code(verified(&before, &keys.jwks().unwrap())), ErrorCode::KeyNotFound);

    keys.stage(third.clone(), start).unwrap();
    keys.stage(first.clone(), start).unwrap();
    assert_eq!(published(&keys), [second.kid(), first.kid()]);
    keys.remove(first.kid()).unwrap();
    assert!(keys.next().is_none());
}

#[test]
fn the_clones_of_a_set_of_keys_are_one_set() {
    let keys = KeySet::from(SigningKey::generate(KeyType::P256).unwrap());
    let clone = keys.clone();
    let next = SigningKey::generate(KeyType::P256).unwrap();
    clone.stage(next.clone(), Timestamp::from_unix_seconds(0)).unwrap();
    clone.rotate(Timestamp::from_unix_seconds(0), Duration::ZERO).unwrap();
    assert_eq!(keys.active().kid(), Some(next.kid()));
}

#[test]
fn threads_share_one_key() {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let jwks = jwks(&key);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..25).for_each(|_| assert!(verified(&signed(&key), &jwks).is_ok())));
        }
    });
}

#[test]
fn debug_shows_no_secret_no_subject_and_no_claims() {
    let needle = "n33dle";
    let mail = format!("{needle}@example.com");
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let exported = key.export_private_jwk().unwrap();
    let private = serde_json::from_str::<Value>(exported.expose()).unwrap()["d"].as_str().unwrap().to_owned();
    let event = caep::CredentialChange::new(CredentialType::Password, ChangeType::Update)
        .with_friendly_name(needle)
        .with_reason_admin("en", needle)
        .with_member("x", needle);
    let own = CustomEvent::new("urn:example:event", [("x", needle)]);
    let subject =
        ComplexSubject::new().with_user(Subject::email(&mail)).with_member("x", Subject::opaque(needle));
    let builder = SetBuilder::new(ISSUER, AUDIENCE)
        .event(event.clone())
        .subject(subject.clone())
        .txn(needle)
        .claim("x", needle)
        .claim(needle, 1);
    let unsigned = builder.clone().prepare(&key).unwrap();
    let set = unsigned.clone().sign(&key).unwrap();
    let payload = set.as_str().split('.').nth(1).unwrap().to_owned();
    let keys = KeySet::new(key.clone());
    keys.stage(SigningKey::generate(KeyType::Ed25519).unwrap(), Timestamp::now()).unwrap();
    let error = Subject::email(format!("{needle} {needle}")).validate().unwrap_err();

    let shown = [
        format!("{key:?} {keys:?} {:?} {:?}", key.public_key(), keys.jwks().unwrap()),
        format!("{exported:?} {:?} {:?}", Secret::from(needle), Secret::new(needle.as_bytes().to_vec())),
        format!("{event:?} {:?} {own:?} {:?}", Event::from(event.clone()), Event::from(own.clone())),
        format!("{:?} {subject:?} {:?}", Subject::email(&mail), Subject::from(subject.clone())),
        format!("{builder:?} {unsigned:?} {set:?} {:?}", set.decode().unwrap()),
        format!(
            "{:?} {:#?}",
            LocalizedText::from([("en", needle)]),
            DecodedSet::parse(set.as_str()).unwrap()
        ),
        format!("{error:?} {error} {:?}", error.message()),
        format!("{:?} {:?}", Dialect::default(), SigningHeader::from(&key)),
    ]
    .join("\n");
    for secret in [needle, &private, &payload, "PRIVATE KEY"] {
        assert!(!shown.contains(secret), "{secret} is in:\n{shown}");
    }
    // It says what is needed to tell them apart.
    for name in [key.kid(), "ES256", "Subject(email)", "credential-change", set.jti(), "Dialect(ssf-1.0)"] {
        assert!(shown.contains(name), "{name} is not in:\n{shown}");
    }
}

#[test]
fn debug_of_a_signature_shows_no_event() {
    // A signature is public as soon as it is sent; its bytes say nothing of the key.
    assert_eq!(format!("{:?}", Signature::Raw(vec![1, 2])), "Raw([1, 2])");
}
