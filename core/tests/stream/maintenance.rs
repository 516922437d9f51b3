//! What a transmitter does for its streams without a request.

use std::time::Duration;

use serde_json::{Value, json};
use ssf_transmitter::{
    ErrorCode, Subject,
    event::caep,
    outbox::{Entry, Seal, Store},
    stream::{Audit, Maintained, Stop, StreamApi},
};

use crate::world::{CHANGED, REVOKED, VERIFICATION, World, jtis, read, verified, wants};

const UPDATED: &str = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";
const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);

async fn maintain(world: &World) -> Maintained {
    world.api.maintain().await.unwrap()
}

async fn status(world: &World, id: &str) -> Value {
    read(&world.call("GET", &format!("/ssf/status?stream_id={id}"), None).await)["status"].clone()
}

/// The events of SETs, in their order.
fn events(world: &World, polled: &Value) -> Vec<Value> {
    polled["sets"].as_object().unwrap().values().map(|set| verified(world, set)["events"].clone()).collect()
}

fn updated(status: &str, reason: &str) -> Value {
    json!({ UPDATED: { "status": status, "reason": reason } })
}

/// What the transmitter did by itself.
fn own(audits: &[Audit]) -> Vec<(Option<&str>, &str)> {
    audits.iter().map(|audit| (audit.caller(), audit.action())).collect()
}

#[tokio::test]
async fn the_stream_of_an_inactive_receiver_is_paused_and_goes_on_with_the_next_poll() {
    let world = World::with(|builder| builder.inactivity_timeout(HOUR, Stop::Pause));
    let id = world.create(wants()).await;
    let target = format!("/ssf/streams?stream_id={id}");
    assert_eq!(read(&world.call("GET", &target, None).await)["inactivity_timeout"], json!(3600));
    world.clock.advance(Duration::from_mins(59));
    // A call that concerns the stream, and a poll, begin the time anew.
    assert_eq!(status(&world, &id).await, json!("enabled"));
    world.clock.advance(Duration::from_mins(59));
    world.poll(&id, json!({})).await;
    world.clock.advance(Duration::from_mins(59));
    assert_eq!(maintain(&world).await.audits, []);
    assert_eq!(world.counts().await.enqueued, 0);

    world.clock.advance(MINUTE);
    for _ in 0..2 {
        // The receiver is told once, and the stream goes on for a while.
        assert_eq!(maintain(&world).await.health.enabled, 1);
        assert_eq!(world.counts().await.enqueued, 1);
    }
    world.clock.advance(MINUTE);
    assert_eq!(own(&maintain(&world).await.audits), [(None, "stream.pause")]);
    let told = read(&world.call("GET", &format!("/ssf/status?stream_id={id}"), None).await);
    assert_eq!(told, json!({ "stream_id": id, "status": "paused", "reason": "inactive" }));
    assert_eq!(maintain(&world).await.health.paused, 1);
    assert_eq!(world.publish("ada").await.len(), 1);

    let answer = world.call("POST", &format!("/ssf/poll/{id}"), Some(json!({}))).await;
    assert_eq!(own(answer.audits()), [(None, "stream.enable")]);
    let [paused, enabled, revoked] = &events(&world, &read(&answer))[..] else { panic!("{answer:?}") };
    assert_eq!(paused, &updated("paused", "inactive"));
    assert_eq!(enabled, &updated("enabled", "active again"));
    assert!(revoked.get(REVOKED).is_some());
    assert_eq!(status(&world, &id).await, json!("enabled"));
    assert_eq!(maintain(&world).await.audits, []);
}

#[tokio::test]
async fn a_receiver_that_comes_back_in_time_is_not_stopped() {
    let world = World::with(|builder| builder.inactivity_timeout(HOUR, Stop::Disable));
    let id = world.create(wants()).await;
    world.clock.advance(HOUR);
    maintain(&world).await;
    let verify = json!({ "stream_id": id });
    let answer = world.call("POST", "/ssf/verify", Some(verify)).await;
    let told: Vec<_> = answer.audits().iter().map(|audit| (audit.caller(), audit.action())).collect();
    assert_eq!(told, [(None, "stream.enable"), (Some("acme"), "stream.verify")]);
    world.clock.advance(MINUTE);
    assert_eq!(maintain(&world).await.audits, []);
    let told = events(&world, &world.poll(&id, json!({})).await);
    assert_eq!(told[..2], [updated("disabled", "inactive"), updated("enabled", "active again")]);
    // Without a sign of life, it is disabled, and a poll does not change that.
    world.clock.advance(HOUR);
    maintain(&world).await;
    world.clock.advance(MINUTE);
    assert_eq!(own(&maintain(&world).await.audits), [(None, "stream.disable")]);
    assert_eq!(world.poll(&id, json!({})).await, json!({ "sets": {} }));
    assert_eq!(status(&world, &id).await, json!("disabled"));
}

#[tokio::test]
async fn a_host_stops_a_stream_and_lets_it_go_on() {
    let world = World::new();
    let id = world.create(wants()).await;
    assert!(!world.api.stop_stream("nobody", Stop::Pause, "").await.unwrap());
    assert!(!world.api.resume_stream(&id, "").await.unwrap());
    assert!(world.api.stop_stream(&id, Stop::Pause, "maintenance").await.unwrap());
    assert!(!world.api.stop_stream(&id, Stop::Disable, "again").await.unwrap());
    assert_eq!(maintain(&world).await.audits, []);
    let polled = world.poll(&id, json!({})).await;
    assert_eq!(events(&world, &polled), [updated("paused", "maintenance")]);
    assert_eq!(status(&world, &id).await, json!("enabled"));
    // Acknowledged, it stops at once.
    world.poll(&id, json!({ "ack": jtis(&polled), "maxEvents": 0, "returnImmediately": true })).await;
    assert_eq!(own(&maintain(&world).await.audits), [(None, "stream.pause")]);
    assert_eq!(status(&world, &id).await, json!("paused"));
    let published = world.publish("ada").await;
    assert_eq!(world.poll(&id, json!({})).await, json!({ "sets": {} }));
    assert!(world.api.resume_stream(&id, "done").await.unwrap());
    let polled = world.poll(&id, json!({})).await;
    assert_eq!((jtis(&polled).last(), jtis(&polled).len()), (published.last(), 2));
    assert_eq!(events(&world, &polled)[0], updated("enabled", "done"));
    // What the receiver itself sets, it is not told, and it ends a stop.
    assert!(world.api.stop_stream(&id, Stop::Disable, "contract").await.unwrap());
    world.call("POST", "/ssf/status", Some(json!({ "stream_id": id, "status": "enabled" }))).await;
    world.clock.advance(MINUTE);
    assert_eq!(maintain(&world).await.audits, []);
}

#[tokio::test]
async fn two_servers_with_one_store_do_everything_once() {
    let stops = |builder: ssf_transmitter::stream::StreamApiBuilder| {
        builder.inactivity_timeout(HOUR, Stop::Pause).canary(HOUR)
    };
    let world = World::with(stops);
    let builder = StreamApi::builder("https://tr.example.com", world.keys.clone(), world.store.clone());
    let second = stops(builder.events([REVOKED, CHANGED]).clock(world.clock.clone())).build().unwrap();
    let id = world.create(wants()).await;
    let both = async || {
        let (one, other) = tokio::join!(world.api.maintain(), second.maintain());
        [one.unwrap().audits, other.unwrap().audits].concat()
    };
    assert_eq!(both().await, []);
    assert_eq!(world.counts().await.enqueued, 1, "one canary");
    world.clock.advance(HOUR);
    both().await;
    assert_eq!(world.counts().await.waiting, 2, "the canary, and one that announces the stop");
    world.clock.advance(MINUTE);
    assert_eq!(own(&both().await), [(None, "stream.pause")]);
    assert_eq!(status(&world, &id).await, json!("paused"));
}

#[tokio::test]
async fn canaries_tell_whether_streams_work() {
    let world = World::with(|builder| builder.canary(HOUR));
    let id = world.create(wants()).await;
    let age = async || maintain(&world).await.health.canary_age;
    assert_eq!(age().await, Some(Duration::ZERO));
    world.clock.advance(MINUTE);
    assert_eq!(age().await, Some(MINUTE));
    let polled = world.poll(&id, json!({})).await;
    assert_eq!(events(&world, &polled), [json!({ VERIFICATION: {} })]);
    world.poll(&id, json!({ "ack": jtis(&polled), "maxEvents": 0, "returnImmediately": true })).await;
    assert_eq!(age().await, Some(Duration::ZERO));
    assert_eq!(world.counts().await.enqueued, 1);
    // The next one is due an hour after the first, and one at a time waits.
    world.clock.advance(HOUR);
    age().await;
    assert_eq!(world.counts().await.enqueued, 2);
    for hours in 2..5 {
        world.clock.advance(HOUR);
        let health = maintain(&world).await.health;
        assert_eq!((health.canary_age, health.canary_stream.as_deref()), (Some(HOUR * hours), Some(&*id)));
        assert!(world.counts().await.waiting <= 1);
    }
    // A stream that is not enabled says nothing, and begins anew.
    let set = async |status: &str| {
        world.call("POST", "/ssf/status", Some(json!({ "stream_id": id, "status": status }))).await
    };
    set("paused").await;
    assert_eq!(age().await, None);
    set("enabled").await;
    assert_eq!(age().await, Some(Duration::ZERO));
    let before = world.counts().await.enqueued;
    world.clock.advance(HOUR);
    assert_eq!(age().await, Some(HOUR));
    assert_eq!(world.counts().await.enqueued, before + 1);
}

#[tokio::test]
async fn what_a_paused_stream_holds_is_bounded_by_age() {
    let world = World::with(|builder| builder.max_held_age(HOUR));
    let id = world.create(wants()).await;
    world.call("POST", "/ssf/status", Some(json!({ "stream_id": id, "status": "paused" }))).await;
    let entry = Entry::new(caep::SessionRevoked::new(), Subject::opaque("ada"));
    world.api.publish(entry.max_age(Duration::from_hours(48))).await.unwrap();
    world.clock.advance(HOUR);
    world.call("POST", "/ssf/status", Some(json!({ "stream_id": id, "status": "enabled" }))).await;
    assert_eq!(world.poll(&id, json!({})).await, json!({ "sets": {} }));
    assert_eq!(world.store.counts().await.unwrap().expired, 1);
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_keeps_no_other_one_back() {
    let seal = Seal::new([1; 32], "november", [2; 32]).unwrap();
    let world = World::with(|builder| builder.seal(seal));
    world.create(wants()).await;
    let builder = StreamApi::builder("https://tr.example.com", world.keys.clone(), world.store.clone());
    let without_key = builder.clock(world.clock.clone()).build().unwrap();
    let health = without_key.maintain().await.unwrap().health;
    assert_eq!((health.enabled, health.failed), (1, 1));
    assert_eq!(health.failure.map(|failure| failure.code), Some(ErrorCode::OutboxKeyMissing));
}

#[tokio::test]
async fn a_removed_subject_goes_on_for_the_time_of_grace() {
    let world = World::with(|builder| builder.removal_grace(HOUR).rate_limit(None));
    let id = world.create(wants()).await;
    let ask = async |part: &str, user: &str| {
        let body = json!({ "stream_id": id, "subject": { "format": "opaque", "id": user } });
        world.call("POST", &format!("/ssf/subjects:{part}"), Some(body)).await
    };
    let after = async |time: Duration| {
        world.clock.advance(time);
        maintain(&world).await;
        world.publish("ada").await.len()
    };
    assert_eq!(ask("remove", "ada").await.status(), 204);
    assert_eq!(after(Duration::from_mins(59)).await, 1);
    // Added again in time, it stays.
    assert_eq!(ask("add", "ada").await.status(), 200);
    assert_eq!(after(MINUTE).await, 1);
    // Removed again, it is not prolonged.
    ask("remove", "ada").await;
    assert_eq!(after(HOUR / 2).await, 1);
    assert_eq!(ask("remove", "ada").await.status(), 204);
    assert_eq!(after(HOUR / 2).await, 0);
    assert_eq!(ask("add", "ada").await.status(), 200);
    assert_eq!(after(Duration::ZERO).await, 1);
    // Nobody silences a stream in one go.
    for user in 0..256 {
        assert_eq!(ask("remove", &user.to_string()).await.status(), 204);
    }
    let more = ask("remove", "ada").await;
    assert_eq!((more.status(), more.header("retry-after")), (429, Some("3600")));
}

#[tokio::test]
async fn a_removal_that_finds_no_room_after_its_grace_has_no_effect() {
    let world = World::with(|builder| builder.removal_grace(HOUR).max_subjects(1));
    let id = world.create(wants()).await;
    for user in ["ada", "bob"] {
        let body = json!({ "stream_id": id, "subject": { "format": "opaque", "id": user } });
        assert_eq!(world.call("POST", "/ssf/subjects:remove", Some(body)).await.status(), 204);
    }
    world.clock.advance(HOUR);
    maintain(&world).await;
    assert_eq!((world.publish("ada").await.len(), world.publish("bob").await.len()), (0, 1));
}
