//! Whether a SET arrived in an org: the log that the emulator plays, read by the client.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::org::{READ_TOKEN, World};
use serde_json::{Value, json};
use ssf_emulator::Published;
use ssf_emulator::{Fault, KeySource, LogSettings, RetryAfter, Rule, Script, Status};
use ssf_transmitter::client::Outcome;
use ssf_transmitter::event::{OktaRiskLevel, caep, okta};
use ssf_transmitter::okta::{
    Cause, CauseKind, Certainty, LogEvent, LogQuery, RECEIVE_EVENT, RISK_DETECT, Reception, ReceptionOutcome,
    Sent,
};
use ssf_transmitter::{
    ErrorCode, KeySet, KeyType, Network, SignedSet, SigningKey, Subject, Timestamp, Transmitter,
};

const ADA: &str = "ada@example.com";

/// A log of small pages, in which entries stand a little later.
fn slow(shows_jti: bool) -> LogSettings {
    let mut settings = LogSettings::default();
    settings.delay = Duration::from_millis(300);
    settings.page = 1;
    settings.shows_jti = shows_jti;
    settings
}

fn told(reception: &Reception) -> (ReceptionOutcome, Option<Certainty>, Vec<&str>) {
    let events = reception.events().iter().map(LogEvent::event_type).collect();
    (reception.outcome(), reception.certainty(), events)
}

fn causes(reception: &Reception) -> Vec<(CauseKind, bool)> {
    reception.causes().iter().map(|cause: &Cause| (cause.kind(), cause.is_certain())).collect()
}

#[tokio::test]
async fn a_set_arrives_and_is_judged() {
    for shows_jti in [false, true] {
        let world = World::with(|config| config.log = slow(shows_jti)).await;
        let providers = world.providers();
        providers.create(&world.by_configuration()).await.unwrap();
        let bob = world.emit("bob@example.com").await.unwrap();
        let ada = world.emit("Ada@example.com").await.unwrap();
        let certainty = if shows_jti { Certainty::Exact } else { Certainty::Likely };
        for receipt in [&bob, &ada] {
            let reception = providers.received(receipt).await.unwrap();
            let expected = (ReceptionOutcome::Judged, Some(certainty), vec![RECEIVE_EVENT, RISK_DETECT]);
            assert_eq!(told(&reception), expected);
            let user = reception.events()[0].targets().next().and_then(|user| user.alternate_id());
            assert_eq!(user == Some("bob@example.com"), receipt.jti() == bob.jti());
            assert!(
                reception.events()[0].published()
                    >= Some(receipt.answered_at().minus(Duration::from_secs(5)))
            );
        }
        // Another process, which has the SET alone.
        let set = SignedSet::parse(ada.set().as_str()).unwrap();
        let reception = providers.received(Sent::new(&set, Timestamp::now())).await.unwrap();
        assert_eq!(reception.outcome(), ReceptionOutcome::Judged);
    }
}

#[tokio::test]
async fn another_event_arrives_and_is_not_judged() {
    let world = World::start().await;
    let providers = world.providers();
    providers.create(&world.by_issuer()).await.unwrap();
    let event =
        caep::SessionRevoked::new().with_event_timestamp(Timestamp::now()).with_reason_admin("en", "Left");
    let sent = world.transmitter.emit(event, Subject::email(ADA), &world.receiver).await.unwrap();
    let reception = providers.received(&sent).await.unwrap();
    assert_eq!(told(&reception), (ReceptionOutcome::Arrived, Some(Certainty::Likely), vec![RECEIVE_EVENT]));
    assert!(reception.causes().is_empty());
}

#[tokio::test]
async fn a_set_about_a_stranger_is_not_seen() {
    let world = World::with(|config| config.users = vec![ADA.to_owned()]).await;
    let providers = world.providers();
    providers.create(&world.by_configuration()).await.unwrap();
    world.emit(ADA).await.unwrap();
    let dropped = world.emit("eve@example.com").await.unwrap();
    let reception = providers.received(&dropped).deadline(Duration::from_secs(2)).await.unwrap();
    assert_eq!(told(&reception), (ReceptionOutcome::NotSeen, None, vec![]));
    let likely = [CauseKind::UserUnknown, CauseKind::JtiRepeated, CauseKind::EventNotTaken];
    assert_eq!(causes(&reception), likely.map(|kind| (kind, false)));
}

#[tokio::test]
async fn a_provider_that_was_deactivated_is_the_cause() {
    let world = World::scripted(Script::new().rule(Rule::push(Fault::Drop { reason: dropped() }))).await;
    let providers = world.providers();
    let provider = providers.create(&world.by_configuration()).await.unwrap();
    let sent = world.emit(ADA).await.unwrap();
    providers.deactivate(provider.id()).await.unwrap();
    let reception = providers.received(&sent).deadline(Duration::from_secs(2)).await.unwrap();
    assert_eq!(reception.outcome(), ReceptionOutcome::Dropped);
    assert_eq!(causes(&reception)[0], (CauseKind::ProviderInactive, true));
    providers.delete(provider.id()).await.unwrap();
    let reception = providers.received(&sent).deadline(Duration::from_secs(2)).await.unwrap();
    assert_eq!(causes(&reception)[0], (CauseKind::ProviderMissing, true));
}

fn dropped() -> ssf_emulator::Dropped {
    ssf_emulator::Dropped::Scripted
}

#[tokio::test]
async fn rate_limits_failures_and_missing_rights_are_coped_with() {
    let script = Script::new()
        .rule(Rule::log(Status::new(429).rate_limit_reset_in(1)).nth(1))
        .rule(Rule::log(Fault::LostAnswer).nth(2))
        .rule(Rule::log(Status::new(503)).nth(3))
        .rule(Rule::api(Status::new(403)).from(2));
    let world = World::scripted(script).await;
    let providers = world.providers();
    providers.create(&world.by_configuration()).await.unwrap();
    let sent = world.emit(ADA).await.unwrap();
    let reception = providers.received(&sent).await.unwrap();
    // Which provider it was is not known without the list: its id and its name are in the log, and not its issuer.
    assert_eq!(
        (reception.outcome(), reception.certainty()),
        (ReceptionOutcome::Judged, Some(Certainty::Possible))
    );
    let log: Vec<_> =
        world.emulator.ledger().into_iter().filter(|entry| entry.path == "/api/v1/logs").collect();
    assert_eq!(log.iter().take(4).map(|entry| entry.status).collect::<Vec<_>>(), [429, 0, 503, 200]);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_an_error() {
    let world = World::scripted(
        Script::new()
            .rule(Rule::log(Status::new(403)).nth(1))
            .rule(Rule::log(Status::new(429).retry_after(RetryAfter::Seconds(3600)))),
    )
    .await;
    let providers = world.providers();
    providers.create(&world.by_configuration()).await.unwrap();
    let sent = world.emit(ADA).await.unwrap();
    let error = providers.received(&sent).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::ApiUnauthorized, Some(403)));
    let error = providers.received(&sent).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (ErrorCode::ApiThrottled, Some(Duration::from_hours(1))));
    let stranger = world.builder().ssws("00other").build().unwrap();
    assert_eq!(stranger.received(&sent).await.unwrap_err().code(), ErrorCode::ApiUnauthorized);
}

#[tokio::test]
async fn the_log_is_read_page_by_page_and_followed() {
    let world = World::with(|config| config.log.page = 2).await;
    let providers = world.providers();
    providers.create(&world.by_configuration()).await.unwrap();
    let before = Timestamp::now();
    for user in ["a@example.com", "b@example.com", "c@example.com"] {
        world.emit(user).await.unwrap();
    }
    let reader = world.builder().ssws(READ_TOKEN).build().unwrap();
    let since = LogQuery::since(before.minus(Duration::from_secs(1)));
    for query in [since.clone(), since.clone().until(Timestamp::now().plus(Duration::from_mins(1)))] {
        let mut log = reader.log(query);
        let mut kinds = Vec::new();
        while let Some(event) = log.next().await.unwrap() {
            kinds.push(event.event_type().to_owned());
        }
        assert_eq!(kinds, [RECEIVE_EVENT, RISK_DETECT].repeat(3));
        assert_eq!(log.next().await.unwrap(), None);
    }
    let mut judgements = reader.log(since.clone().event_types([RISK_DETECT]).page_size(1));
    assert_eq!(judgements.next().await.unwrap().unwrap().event_type(), RISK_DETECT);
    assert_eq!(reader.log(since.clone().event_types(["x.y"])).next().await.unwrap(), None);

    let mut log = reader.log(since.clone()).follow_every(Duration::from_millis(20));
    for _ in 0..6 {
        log.next().await.unwrap().unwrap();
    }
    // It waits for an entry that is written meanwhile.
    let (event, _) = tokio::join!(log.next(), world.emit("d@example.com"));
    let event = event.unwrap().unwrap();
    assert_eq!(event.targets().next().and_then(|user| user.alternate_id()), Some("d@example.com"));

    let error = reader.log(since.page_size(0)).next().await.unwrap_err();
    assert_eq!((error.code(), error.pointer()), (ErrorCode::ConfigurationInvalid, Some("/page_size")));
}

/// The cases that every language runs, with the transmitter that the emulator is told of.
#[tokio::test]
async fn every_set_is_found_or_its_absence_explained() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/okta-log.json");
    let vectors: Value = serde_json::from_str(&fs::read_to_string(vectors).unwrap()).unwrap();
    for case in vectors["receptions"].as_array().unwrap() {
        let key = KeySet::new(SigningKey::generate(KeyType::Rsa2048).unwrap());
        let published = Published::start(key.jwks().unwrap().to_json()).await.unwrap();
        let world = World::with(|config| {
            config.issuer = Some(published.issuer().to_owned());
            config.keys = Some(KeySource::JwksUri(published.jwks_uri().to_owned()));
            let users = case["users"].as_array().into_iter().flatten();
            config.users = users.map(|user| user.as_str().unwrap().to_owned()).collect();
            if case["script"].is_array() {
                config.script = Script::from_json(&case["script"].to_string()).unwrap();
            }
            let log = &case["log"];
            config.log.delay = Duration::from_millis(log["delay_ms"].as_u64().unwrap_or_default());
            config.log.page = usize::try_from(log["page"].as_u64().unwrap_or(1000)).unwrap();
            config.log.shows_jti = log["jti"] == true;
        })
        .await;
        let transmitter = Transmitter::builder(published.issuer(), key)
            .network(Network::new().ca_bundle(world.emulator.ca_pem().unwrap()))
            .build()
            .unwrap();
        let event = okta::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, Timestamp::now())
            .with_reason_admin("en", "Impossible travel");
        let sent = transmitter.emit(event, Subject::email(ADA), &world.receiver).await.unwrap();
        let deadline = Duration::from_millis(case["deadline_ms"].as_u64().unwrap_or(20_000));
        match world.providers().received(&sent).deadline(deadline).await {
            Err(error) => assert_eq!(error.code().as_str(), case["error"], "{}", case["name"]),
            Ok(reception) => {
                let causes = causes(&reception).into_iter();
                let causes: Vec<_> = causes
                    .map(|(kind, certain)| json!({ "id": kind.as_str(), "certain": certain }))
                    .collect();
                let (outcome, certainty, events) = told(&reception);
                let found = json!({
                    "outcome": outcome.as_str(),
                    "certainty": certainty.map(Certainty::as_str),
                    "events": events,
                    "causes": causes,
                });
                assert_eq!(found, case["expect"], "{}", case["name"]);
            }
        }
    }
}

#[tokio::test]
async fn a_doctor_looks_for_the_set() {
    let world = World::with(|config| config.users = vec![ADA.to_owned()]).await;
    let providers = world.builder().deadline(Duration::from_secs(2)).build().unwrap();
    let doctor = |email: &str| {
        let event = caep::SessionRevoked::new()
            .with_event_timestamp(Timestamp::now())
            .with_reason_admin("en", "Left");
        world.transmitter.doctor(event, Subject::email(email), &world.receiver)
    };
    // Nothing is sent, or nothing is taken.
    let skipped = doctor(ADA).confirm(&providers).await;
    assert_eq!(skipped.check("okta-log").unwrap().outcome, Outcome::Skipped);
    let refused = doctor(ADA).send().confirm(&providers).await;
    assert_eq!(refused.check("send").unwrap().outcome, Outcome::Failed);
    assert_eq!(refused.check("okta-log").unwrap().outcome, Outcome::Skipped);
    assert!(doctor(ADA).send().await.check("okta-log").is_none());

    world.providers().create(&world.by_configuration()).await.unwrap();
    let arrived = doctor(ADA).send().confirm(&providers).await;
    assert_eq!(arrived.check("okta-log").unwrap().outcome, Outcome::Passed, "{arrived:?}");
    let dropped = doctor("eve@example.com").send().confirm(&providers).await;
    let check = dropped.check("okta-log").unwrap();
    assert_eq!((check.outcome, check.remedy.as_str()), (Outcome::Failed, CauseKind::UserUnknown.remedy()));
    assert!(check.message.contains(CauseKind::UserUnknown.meaning()) && !check.message.contains("eve"));
    let unread = world.builder().ssws("00other").build().unwrap();
    let unread = doctor(ADA).send().confirm(&unread).await;
    assert_eq!(unread.check("okta-log").unwrap().outcome, Outcome::Failed);
}
