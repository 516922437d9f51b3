//! Registration and delivery in an Okta org: the client of Okta's API and a transmitter against the emulator.

use std::error::Error as _;

use crate::org::{READ_TOKEN, World};
use ssf_emulator::Published;
use ssf_emulator::{Fault, RetryAfter, Rule, Script, Status};
use ssf_transmitter::okta::{ApiError, ProviderSettings, ProviderStatus};
use ssf_transmitter::{ErrorCode, KeySet, KeyType, SigningKey};

#[tokio::test]
async fn a_transmitter_lives_and_dies_in_an_org() {
    for by_issuer in [false, true] {
        let world = World::start().await;
        let providers = world.providers();
        let unknown = Err("invalid_issuer".to_owned());
        assert_eq!(world.send().await, unknown);

        let new = if by_issuer { world.by_issuer() } else { world.by_configuration() };
        let provider = providers.create(&new).await.unwrap();
        assert_eq!(provider.issuer(), Some(world.published.issuer()));
        assert_eq!(provider.jwks_url(), Some(world.published.jwks_uri()));
        assert_eq!(provider.well_known_url(), (!by_issuer).then(|| world.published.configuration()));
        assert_eq!(provider.status(), &ProviderStatus::Active);
        assert_eq!(world.send().await, Ok(202));

        let id = provider.id();
        assert_eq!(providers.deactivate(id).await.unwrap().status(), &ProviderStatus::Inactive);
        assert_eq!(world.send().await, unknown);
        assert_eq!(providers.activate(id).await.unwrap().status(), &ProviderStatus::Active);
        assert_eq!(world.send().await, Ok(202));
        assert_eq!(providers.list().await.unwrap(), [providers.read(id).await.unwrap()]);

        providers.delete(id).await.unwrap();
        let error = providers.read(id).await.unwrap_err();
        assert_eq!((error.code(), error.status()), (ErrorCode::ProviderNotFound, Some(404)));
        assert_eq!(world.send().await, unknown);
    }
}

#[tokio::test]
async fn an_update_keeps_what_it_does_not_change() {
    for by_issuer in [false, true] {
        let world = World::start().await;
        let providers = world.providers();
        let new = if by_issuer { world.by_issuer() } else { world.by_configuration() };
        let id = providers.create(&new).await.unwrap().id().to_owned();
        providers.deactivate(&id).await.unwrap();
        let updated = providers.update(&id, |provider| provider.with_name("EDR")).await.unwrap();
        assert_eq!(updated.to_new(), new.clone().with_name("EDR"));
        assert_eq!(updated.status(), &ProviderStatus::Inactive);
        providers.activate(&id).await.unwrap();
        assert_eq!(world.send().await, Ok(202));

        // To other keys, with which the SETs are not signed.
        let jwks = KeySet::new(SigningKey::generate(KeyType::Rsa2048).unwrap()).jwks().unwrap();
        let others = Published::start(jwks.to_json()).await.unwrap();
        let settings = ProviderSettings::issuer(world.published.issuer(), others.jwks_uri());
        providers.update(&id, |provider| provider.with_settings(settings)).await.unwrap();
        assert_eq!(world.send().await, Err("invalid_key".to_owned()));
        providers.replace(&id, &new).await.unwrap();
        assert_eq!(world.send().await, Ok(202));
    }
}

#[tokio::test]
async fn an_issuer_is_registered_once() {
    let world = World::start().await;
    let providers = world.providers();
    let first = providers.ensure(&world.by_configuration()).await.unwrap();
    assert_eq!(providers.ensure(&world.by_configuration()).await.unwrap(), first);
    // The same transmitter, named the other way.
    let by_issuer = providers.ensure(&world.by_issuer()).await.unwrap();
    assert_eq!((by_issuer.id(), by_issuer.well_known_url()), (first.id(), None));

    for again in [
        providers.create(&world.by_configuration()).await,
        providers.ensure(&world.by_issuer().with_name("Another")).await,
    ] {
        let error = again.unwrap_err();
        assert_eq!((error.code(), error.status()), (ErrorCode::ProviderConflict, Some(409)));
        assert!(error.receiver_description().unwrap().contains("issuer"));
    }
    assert_eq!(providers.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn throttling_passes() {
    let script = Script::new()
        .rule(Rule::api(Status::new(429).retry_after(RetryAfter::Seconds(1))).nth(1))
        .rule(Rule::api(Status::new(429).rate_limit_reset_in(1)).nth(2));
    let world = World::scripted(script).await;
    world.providers().create(&world.by_configuration()).await.unwrap();
    assert_eq!(world.statuses(), [429, 429, 200]);
}

#[tokio::test]
async fn throttling_that_lasts_longer_than_the_deadline_is_an_error_with_the_wait() {
    let script = Script::new().rule(Rule::api(Status::new(429).rate_limit_reset_in(60)));
    let world = World::scripted(script).await;
    let error = world.providers().list().await.unwrap_err();
    assert_eq!((error.code(), error.receiver_error()), (ErrorCode::ApiThrottled, Some("E0000047")));
    let wait = error.retry_after().unwrap();
    // Between the limit and the answer's date a second may have begun.
    assert!((59..=61).contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(world.statuses(), [429]);
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_found_by_ensure_and_not_repeated() {
    let world = World::scripted(Script::new().rule(Rule::api(Fault::LostAnswer).nth(2))).await;
    world.providers().ensure(&world.by_configuration()).await.unwrap();
    assert_eq!(world.providers().list().await.unwrap().len(), 1);

    let world = World::scripted(Script::new().rule(Rule::api(Fault::LostAnswer).nth(1))).await;
    let error = world.providers().create(&world.by_configuration()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ApiOutcomeUnknown);
    assert_eq!(world.emulator.ledger().len(), 1);
    assert_eq!(world.send().await, Ok(202));
}

#[tokio::test]
async fn everything_but_a_creation_gets_through_lost_answers_and_failures() {
    let script = Script::new()
        .rule(Rule::api(Status::new(503)).every(3))
        .rule(Rule::api(Fault::LostAnswer).every(2))
        .rule(Rule::connection(Fault::Close).every(3));
    let world = World::scripted(script).await;
    let providers = world.providers();
    // The first request is one that passes.
    let id = providers.create(&world.by_configuration()).await.unwrap().id().to_owned();
    for _ in 0..3 {
        providers.update(&id, |provider| provider.with_name("EDR")).await.unwrap();
        providers.deactivate(&id).await.unwrap();
        providers.activate(&id).await.unwrap();
        providers.replace(&id, &world.by_configuration()).await.unwrap();
        assert_eq!(providers.list().await.unwrap().len(), 1);
    }
    providers.delete(&id).await.unwrap();
    assert_eq!(providers.list().await.unwrap(), []);
    assert!(world.emulator.counters().faulted > 5);
}

#[tokio::test]
async fn tokens_that_are_wrong_or_may_not_are_told_apart() {
    let world = World::start().await;
    for (builder, status, code) in [
        (world.builder().ssws("00wrong"), 401, "E0000011"),
        (world.builder().bearer("00wrong"), 401, "E0000011"),
        (world.builder().bearer(READ_TOKEN), 403, "E0000006"),
    ] {
        let error = builder.build().unwrap().create(&world.by_configuration()).await.unwrap_err();
        assert_eq!((error.code(), error.status()), (ErrorCode::ApiUnauthorized, Some(status)));
        assert_eq!(error.receiver_error(), Some(code));
        let okta = error.source().and_then(|source| source.downcast_ref::<ApiError>()).unwrap();
        assert_eq!((okta.code(), okta.id().unwrap().len()), (code, 20));
        assert!(!format!("{error} {error:?}").contains("00wrong"), "{error:?}");
    }
    let reader = world.builder().ssws(READ_TOKEN).build().unwrap();
    assert_eq!(reader.list().await.unwrap(), []);
}

#[tokio::test]
async fn what_okta_finds_wrong_is_said() {
    let world = World::start().await;
    let nowhere = ProviderSettings::well_known("http://127.0.0.1:9/.well-known/ssf-configuration");
    let new = world.by_configuration().with_settings(nowhere);
    let error = world.providers().create(&new).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::ProviderRefused, Some(400)));
    assert_eq!(error.receiver_error(), Some("E0000001"));
    let okta = error.source().and_then(|source| source.downcast_ref::<ApiError>()).unwrap();
    assert!(okta.causes().next().unwrap().starts_with("settings.well_known_url:"));
    // Limits never get that far.
    let error = world.providers().create(&new.with_name("n".repeat(101))).await.unwrap_err();
    assert_eq!((error.code(), error.pointer()), (ErrorCode::ProviderInvalid, Some("/name")));
    assert_eq!(world.statuses(), [400]);
}
