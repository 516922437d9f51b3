//! Build and sign, per algorithm, with OpenSSL's bare signature in the same run as the yardstick.
//!
//! `cargo xtask bench` runs this and prints the ratios.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use openssl::{
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Padding,
    sign::{RsaPssSaltlen, Signer},
};
use ssf_transmitter::{
    Algorithm, Dialect, KeyType, SetBuilder, SigningKey, Subject, Timestamp,
    event::{InitiatingEntity, OktaRiskLevel, caep, okta},
};

const ALGORITHMS: &[(KeyType, Algorithm)] = &[
    (KeyType::Rsa2048, Algorithm::Rs256),
    (KeyType::Rsa2048, Algorithm::Ps256),
    (KeyType::P256, Algorithm::Es256),
    (KeyType::P384, Algorithm::Es384),
    (KeyType::P521, Algorithm::Es512),
    (KeyType::Ed25519, Algorithm::EdDsa),
];

/// An event of ordinary size, as a product would send it.
fn set() -> SetBuilder {
    let event = caep::SessionRevoked::new()
        .with_event_timestamp(Timestamp::from_unix_seconds(1_767_225_590))
        .with_initiating_entity(InitiatingEntity::Policy)
        .with_reason_admin("en", "Landspeed Policy Violation: C076E82F")
        .with_reason_user("en", "Access attempt from multiple regions.");
    SetBuilder::new("https://edr.example.com", "https://receiver.example.net")
        .event(event)
        .subject(Subject::email("ada@example.com"))
        .txn("incident-4711")
}

fn okta_set(dialect: &Dialect) -> SetBuilder {
    let now = Timestamp::from_unix_seconds(1_767_225_590);
    let event = okta::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, now)
        .with_reason_admin("en", "Impossible travel");
    SetBuilder::new("https://edr.example.com", "https://acme.okta.com")
        .dialect(dialect)
        .event(event)
        .subject(Subject::email("ada@example.com"))
}

/// What OpenSSL alone takes for the same bytes.
fn raw(algorithm: Algorithm, key: &PKey<Private>, input: &[u8]) -> Vec<u8> {
    let digest = match algorithm {
        Algorithm::Es384 => MessageDigest::sha384(),
        Algorithm::Es512 => MessageDigest::sha512(),
        _ => MessageDigest::sha256(),
    };
    let mut signer = match algorithm {
        Algorithm::EdDsa => Signer::new_without_digest(key).unwrap(),
        _ => Signer::new(digest, key).unwrap(),
    };
    if algorithm == Algorithm::Ps256 {
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_mgf1_md(digest).unwrap();
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
    }
    signer.sign_oneshot_to_vec(input).unwrap()
}

fn sign(criterion: &mut Criterion) {
    for (kind, algorithm) in ALGORITHMS {
        let key = SigningKey::generate(*kind).unwrap().with_algorithm(*algorithm).unwrap();
        let pem = key.export_private_pem().unwrap();
        let openssl = PKey::private_key_from_pem(pem.expose().as_bytes()).unwrap();
        let input = set().prepare(&key).unwrap().signing_input().to_vec();

        let mut group = criterion.benchmark_group(algorithm.as_str());
        group.bench_function("raw", |bencher| bencher.iter(|| raw(*algorithm, &openssl, black_box(&input))));
        group.bench_function("build+sign", |bencher| bencher.iter(|| set().sign(black_box(&key)).unwrap()));
        group.finish();
    }
}

fn build(criterion: &mut Criterion) {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let okta = Dialect::okta();
    let mut group = criterion.benchmark_group("build");
    group.bench_function("ssf-1.0", |bencher| bencher.iter(|| set().prepare(black_box(&key)).unwrap()));
    group
        .bench_function("okta", |bencher| bencher.iter(|| okta_set(&okta).prepare(black_box(&key)).unwrap()));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(std::time::Duration::from_secs(6));
    targets = sign, build
}
criterion_main!(benches);
