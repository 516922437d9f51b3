//! Polls whose SETs an external key signs.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use ssf_transmitter::{
    Algorithm, Error, ErrorCode, KeySet, KeyType, PublicKey, Signature, Signer, SigningKey, UnsignedSet,
    key::{ExternalKey, SigningHeader},
    stream::{Answer, Begun, Head, Signing, Step, Stop},
};

use crate::world::{BoxFuture, Noted, VERIFICATION, World, jtis, read, verified, wants};

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// An HSM, and the keys that name its key.
fn hsm() -> (SigningKey, KeySet) {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let header = SigningHeader::new(Algorithm::Es256, "hsm-1");
    let named = ExternalKey::new(header, Some(key.public_key().clone())).unwrap();
    (key, KeySet::new(named))
}

async fn step(world: &World, id: &str) -> Step {
    let head = Head::new("POST", &format!("/ssf/poll/{id}"));
    let Begun::Body(call) = world.api.begin(&head, world.caller.clone()) else { panic!("no body is wanted") };
    call.step(br#"{ "returnImmediately": true }"#).await
}

async fn signing(world: &World, id: &str) -> Signing {
    match step(world, id).await {
        Step::Sign(signing) => signing,
        Step::Answered(answer) => panic!("{answer:?}"),
    }
}

async fn answered(world: &World, id: &str) -> Answer {
    match step(world, id).await {
        Step::Answered(answer) => answer,
        Step::Sign(signing) => panic!("{signing:?}"),
    }
}

async fn sign(hsm: &SigningKey, set: &UnsignedSet) -> Result<Signature, Error> {
    Ok(hsm.sign(set.signing_input()).await.unwrap())
}

async fn all(hsm: &SigningKey, signing: &Signing) -> Vec<Result<Signature, Error>> {
    let mut signatures = Vec::new();
    for set in signing.sets() {
        signatures.push(sign(hsm, set).await);
    }
    signatures
}

fn events(claims: &Value) -> Vec<&str> {
    claims["events"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_sets_of_an_answer_are_signed_between_two_steps() {
    let (hsm, keys) = hsm();
    let world = World::signing(keys, |builder| builder);
    let id = world.create(wants()).await;
    let mut published = world.publish("ada").await;
    published.extend(world.publish("bob").await);

    let wanted = signing(&world, &id).await;
    assert_eq!((wanted.key().kid(), wanted.time_left()), (Some("hsm-1"), Duration::from_secs(30)));
    assert_eq!(wanted.sets().map(UnsignedSet::jti).collect::<Vec<_>>(), published);
    let signatures = all(&hsm, &wanted).await;
    let answer = wanted.finish(signatures).await;
    assert_eq!((answer.status(), answer.header("cache-control")), (200, Some("no-store")));
    let polled = read(&answer);
    assert_eq!(jtis(&polled), published);
    for jti in &published {
        verified(&world, &polled["sets"][jti]);
    }

    // The same bytes come again without a signature, and a new event needs one.
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(read(&answered(&world, &id).await), polled);
    world.clock.advance(Duration::from_mins(1));
    let verify = json!({ "stream_id": id, "state": "of the receiver" });
    assert_eq!(world.call("POST", "/ssf/verify", Some(verify)).await.status(), 204);
    let wanted = signing(&world, &id).await;
    assert_eq!(wanted.sets().count(), 1);
    let signatures = all(&hsm, &wanted).await;
    let more = read(&wanted.finish(signatures).await);
    assert_eq!(jtis(&more).len(), 3);
    let new = jtis(&more).into_iter().find(|jti| !published.contains(jti)).unwrap();
    assert_eq!(events(&verified(&world, &more["sets"][&new])), [VERIFICATION]);
    assert!(published.iter().all(|jti| more["sets"][jti] == polled["sets"][jti]));
    world.poll(&id, json!({ "ack": jtis(&more), "maxEvents": 0 })).await;
    assert_eq!(world.counts().await.delivered, 3);
}

#[tokio::test]
async fn a_failed_signature_loses_nothing() {
    let (hsm, keys) = hsm();
    let world = World::signing(keys, |builder| builder);
    let id = world.create(wants()).await;
    for user in ["ada", "bob", "eve"] {
        world.publish(user).await;
    }
    let throttled = || Error::new(ErrorCode::SignerFailed, "the signer failed");
    for (wrong, code) in [
        (vec![], ErrorCode::SignerFailed),
        (vec![Err(throttled())], ErrorCode::SignerFailed),
        (vec![Ok(Signature::Raw(vec![7; 63]))], ErrorCode::SignatureMalformed),
    ] {
        let wanted = signing(&world, &id).await;
        assert_eq!(wanted.sets().count(), 3);
        let answer = wanted.finish(wrong).await;
        let told =
            json!({ "err": "temporarily_unavailable", "description": "the transmitter cannot answer now" });
        assert_eq!((answer.status(), answer.header("retry-after"), read(&answer)), (503, Some("5"), told));
        assert_eq!(answer.failure().unwrap().code, code);
    }

    // What is signed is signed for good: the next poll goes on from there.
    let wanted = signing(&world, &id).await;
    let mut signatures = all(&hsm, &wanted).await;
    signatures[1] = Err(throttled());
    assert_eq!(wanted.finish(signatures).await.status(), 503);
    let wanted = signing(&world, &id).await;
    assert_eq!(wanted.sets().count(), 1);
    let signatures = all(&hsm, &wanted).await;
    let polled = read(&wanted.finish(signatures).await);
    assert_eq!(jtis(&polled).len(), 3);
    for set in polled["sets"].as_object().unwrap().values() {
        verified(&world, set);
    }
    let counts = world.counts().await;
    assert_eq!((counts.in_flight, counts.dead), (3, 0));
}

#[tokio::test]
async fn a_poll_that_ends_before_its_signatures_gives_nothing_out() {
    let (hsm, keys) = hsm();
    let world = World::signing(keys, |builder| builder);
    let id = world.create(wants()).await;
    world.publish("ada").await;
    drop(signing(&world, &id).await);
    assert_eq!(read(&answered(&world, &id).await), json!({ "sets": {} }));

    // Of two polls, one gives out each SET: the one that has the lease.
    world.clock.advance(Duration::from_mins(1));
    let slow = signing(&world, &id).await;
    let signatures = all(&hsm, &slow).await;
    world.clock.advance(Duration::from_mins(1));
    assert!(slow.time_left().is_zero());
    let fast = signing(&world, &id).await;
    assert_eq!(read(&slow.finish(signatures).await), json!({ "sets": {} }));
    let signatures = all(&hsm, &fast).await;
    assert_eq!(jtis(&read(&fast.finish(signatures).await)).len(), 1);
}

/// A key service that fails so often before it signs, or never answers.
struct Kms {
    key: SigningKey,
    fails: AtomicU32,
    is_silent: bool,
}

impl Signer for Kms {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Es256
    }

    fn public_key(&self) -> Option<PublicKey> {
        Some(self.key.public_key().clone())
    }

    fn sign<'a>(&'a self, signing_input: &'a [u8]) -> BoxFuture<'a, Result<Signature, Failed>> {
        if self.is_silent {
            return Box::pin(std::future::pending());
        }
        let count = |fails: u32| fails.checked_sub(1);
        if self.fails.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count).is_ok() {
            return Box::pin(async { Err("throttled".into()) });
        }
        self.key.sign(signing_input)
    }
}

fn kms(fails: u32, is_silent: bool) -> KeySet {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let kms = Kms { key, fails: fails.into(), is_silent };
    KeySet::new(ExternalKey::signed_by(kms).unwrap())
}

#[tokio::test]
async fn a_signer_signs_what_a_poll_gives_out() {
    let world = World::signing(kms(1, false), |builder| builder);
    let id = world.create(wants()).await;
    let published = world.publish("ada").await;
    let target = format!("/ssf/poll/{id}");
    let answer = world.call("POST", &target, Some(json!({}))).await;
    assert_eq!((answer.status(), answer.failure().unwrap().code), (503, ErrorCode::SignerFailed));
    let polled = world.poll(&id, json!({})).await;
    assert_eq!(jtis(&polled), published);
    verified(&world, &polled["sets"][&published[0]]);
}

#[tokio::test]
async fn a_poll_without_a_signature_in_time_fails() {
    let timer = Noted { ends: true, ..Noted::default() };
    let world = World::signing(kms(0, true), |builder| builder.long_poll(timer.clone(), Duration::ZERO));
    let id = world.create(wants()).await;
    world.publish("ada").await;
    let answer = world.call("POST", &format!("/ssf/poll/{id}"), Some(json!({}))).await;
    assert_eq!((answer.status(), answer.failure().unwrap().code), (503, ErrorCode::DeadlineExceeded));
    assert_eq!(timer.waits.lock().unwrap().last(), Some(&Duration::from_secs(30)));

    // A key without a signer is one that the server signs with.
    let world = World::signing(hsm().1, |builder| builder);
    let id = world.create(wants()).await;
    world.publish("ada").await;
    let answer = world.call("POST", &format!("/ssf/poll/{id}"), Some(json!({}))).await;
    assert_eq!((answer.status(), answer.failure().unwrap().code), (503, ErrorCode::SignerFailed));
}

#[tokio::test]
async fn a_poll_resumes_an_inactive_stream_and_its_audit_has_it_once() {
    let (hsm, keys) = hsm();
    let hour = Duration::from_hours(1);
    let world = World::signing(keys, |builder| builder.inactivity_timeout(hour, Stop::Pause));
    let id = world.create(wants()).await;
    world.clock.advance(hour);
    world.api.maintain().await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.api.maintain().await.unwrap().audits[0].action(), "stream.pause");

    // A poll that gets no signature has resumed the stream; the next one does not do it again.
    let actions =
        |answer: &Answer| answer.audits().iter().map(|audit| audit.action().to_owned()).collect::<Vec<_>>();
    let answer = signing(&world, &id).await.finish(vec![]).await;
    assert_eq!((answer.status(), actions(&answer)), (503, vec!["stream.enable".to_owned()]));
    let wanted = signing(&world, &id).await;
    let signatures = all(&hsm, &wanted).await;
    let answer = wanted.finish(signatures).await;
    assert_eq!((answer.status(), actions(&answer)), (200, vec![]));
    // It was paused, and is enabled.
    assert_eq!(jtis(&read(&answer)).len(), 2);
}
