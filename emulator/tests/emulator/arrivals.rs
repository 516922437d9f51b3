//! What arrives, in full, and faults that are switched meanwhile.

use std::time::{Duration, SystemTime};

use crate::common::{CLIENT_SECRET, Scene, good, key};
use ssf_emulator::{Fault, Like, Rule, Script, Status};

#[allow(clippy::disallowed_methods, reason = "the ban is the engine's")]
fn now() -> SystemTime {
    SystemTime::now()
}

#[tokio::test]
async fn a_push_is_kept_as_it_came_and_was_answered() {
    let scene = Scene::with(Like::Rfc8935, |config| config.arrivals = 2).await;
    let before = now();
    let set = key().sign(&good());
    scene.push(set.clone()).await.assert_accepted();
    scene.push("no SET").await.assert_refused("invalid_request");

    let arrivals = scene.emulator.arrivals().after(0).await;
    let [accepted, refused] = &arrivals[..] else { panic!("{arrivals:?}") };
    assert_eq!((&accepted.body, accepted.answer.as_str()), (&set, ""));
    assert!(accepted.entry.accepted && !accepted.is_cut);
    assert!(before <= accepted.at && accepted.at <= now());
    assert!(accepted.headers.contains(&("content-type".into(), "application/secevent+jwt".into())));
    assert_eq!((refused.body.as_str(), refused.entry.status), ("no SET", 400));
    assert!(refused.answer.contains("invalid_request"), "{}", refused.answer);
    assert!(!format!("{arrivals:?}").contains("no SET"));
}

#[tokio::test]
async fn only_the_newest_are_kept_and_none_unless_asked_for() {
    let scene = Scene::with(Like::Rfc8935, |config| config.arrivals = 2).await;
    for body in ["1", "2", "3"] {
        scene.push(body).await;
    }
    let bodies = |arrivals: Vec<std::sync::Arc<ssf_emulator::Arrival>>| {
        arrivals.iter().map(|arrival| arrival.body.clone()).collect::<Vec<_>>()
    };
    let arrivals = scene.emulator.arrivals();
    assert_eq!(bodies(arrivals.after(0).await), ["2", "3"]);
    assert_eq!(bodies(arrivals.after(2).await), ["3"]);

    let none = Scene::like(Like::Rfc8935).await;
    none.push("1").await;
    let waited = tokio::time::timeout(Duration::ZERO, none.emulator.arrivals().after(0)).await;
    assert!(waited.is_err());
}

#[tokio::test]
async fn whoever_waits_is_told_what_arrives() {
    let scene = Scene::with(Like::Rfc8935, |config| config.arrivals = 10).await;
    scene.push("cleared").await;
    scene.emulator.clear();
    let arrivals = scene.emulator.arrivals();
    // There is nothing after 0, although something had come.
    let waiting = tokio::spawn(async move { arrivals.after(0).await });
    scene.push("1").await;
    let told = waiting.await.unwrap();
    assert_eq!((told[0].body.as_str(), told[0].entry.sequence), ("1", 2));
}

#[tokio::test]
async fn a_long_body_is_cut_and_all_of_them_together_are_bounded() {
    let scene = Scene::with(Like::Rfc8935, |config| config.arrivals = 1000).await;
    let body = "é".repeat(100 * 1024);
    for _ in 0..300 {
        scene.push(body.clone()).await;
    }
    let arrivals = scene.emulator.arrivals().after(0).await;
    assert!(arrivals.iter().all(|arrival| arrival.is_cut && arrival.body.len() <= 64 * 1024));
    let kept: usize = arrivals.iter().map(|arrival| arrival.body.len()).sum();
    assert!((15 * 1024 * 1024..=16 * 1024 * 1024).contains(&kept), "{kept}");
}

#[tokio::test]
async fn no_secret_is_kept() {
    let scene = Scene::with(Like::GovUkOneLogin, |config| config.arrivals = 10).await;
    let token = scene.token().await;
    scene.push_authorized(key().sign(&good())).await;
    let arrivals = scene.emulator.arrivals().after(0).await;
    assert_eq!(arrivals.len(), 3);
    for arrival in &arrivals {
        let kept = format!("{:?}{}{}", arrival.headers, arrival.body, arrival.answer);
        assert!(!kept.contains(CLIENT_SECRET) && !kept.contains(&token), "{kept}");
    }
    // A request for a token is not kept, nor its answer.
    assert!(arrivals[..2].iter().all(|asked| asked.body.is_empty() && asked.answer.is_empty()));
    let hidden = ("authorization".to_owned(), "Bearer [hidden]".to_owned());
    assert!(arrivals[2].headers.contains(&hidden), "{:?}", arrivals[2].headers);
}

#[tokio::test]
async fn faults_are_switched_while_it_runs() {
    let scene = Scene::scripted(Script::new().rule(Rule::push(Status::new(500)))).await;
    let faults = scene.emulator.faults();
    assert_eq!(scene.push("").await.status, 500);
    faults.switch(Script::new().rule(Rule::push(Status::new(503)).nth(2))).unwrap();
    assert_eq!(scene.push("").await.status, 400);
    assert_eq!(scene.push("").await.status, 503);

    // What the receiver does not have is refused, and the script goes on.
    let error = faults.switch(Script::new().rule(Rule::token(Status::new(503)))).unwrap_err();
    assert!(error.is_configuration() && error.to_string().contains("no token endpoint"), "{error}");
    assert_eq!(scene.push("").await.status, 400);

    faults.switch(Script::new().rule(Rule::connection(Fault::Close))).unwrap();
    let other = crate::common::http();
    assert!(other.post(scene.emulator.push_url()).send().await.is_err());
    faults.switch(Script::new()).unwrap();
    assert_eq!(scene.push("").await.status, 400);
}
