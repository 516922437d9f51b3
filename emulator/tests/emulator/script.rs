//! Scripts: which requests a rule is about, and what is wrong with a script.

use crate::common::{Scene, good, key, with};
use serde_json::json;
use ssf_emulator::{Config, Emulator, Fault, KeySource, Like, Rule, Script, Status, TlsFault};

/// The statuses of so many pushes, 400 where nothing goes wrong: there is no need for good SETs, which take their time.
async fn statuses(script: Script, pushes: usize) -> Vec<u16> {
    let scene = Scene::scripted(script).await;
    let mut statuses = Vec::new();
    for _ in 0..pushes {
        statuses.push(scene.push("").await.status);
    }
    statuses
}

fn fault() -> Rule {
    Rule::push(Status::new(503))
}

async fn positions(rule: Rule) -> Vec<usize> {
    let statuses = statuses(Script::new().rule(rule), 7).await;
    (1..).zip(statuses).filter(|(_, status)| *status == 503).map(|(position, _)| position).collect()
}

#[tokio::test]
async fn rules_say_when() {
    assert_eq!(positions(fault()).await, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(positions(fault().nth(3)).await, [3]);
    assert_eq!(positions(fault().from(5)).await, [5, 6, 7]);
    assert_eq!(positions(fault().first(2)).await, [1, 2]);
    assert_eq!(positions(fault().every(3)).await, [3, 6]);
    assert_eq!(positions(fault().percent(0.0)).await, [0; 0]);
    assert_eq!(positions(fault().percent(100.0)).await, [1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test]
async fn the_first_rule_that_matches_decides_and_all_of_them_count() {
    let script = Script::new()
        .rule(Rule::push(Status::new(500)).nth(2))
        .rule(Rule::push(Status::new(502)).first(3))
        .rule(Rule::push(Status::new(503)).every(2));
    assert_eq!(statuses(script, 5).await, [502, 500, 502, 503, 400]);
}

#[tokio::test]
async fn a_share_follows_from_the_seed() {
    let drawn = |seed| statuses(Script::new().rule(fault().percent(30.0)).seed(seed), 100);
    let first = drawn(1).await;
    assert_eq!(first, drawn(1).await);
    assert_ne!(first, drawn(2).await);
    let faults = first.iter().filter(|status| **status == 503).count();
    assert!((20..=40).contains(&faults), "{faults}");
}

#[tokio::test]
async fn one_of_several_faults_follows_from_the_seed() {
    let several = || {
        let faults = (500..505).map(|status| Status::new(status).into()).collect();
        Script::new().rule(Rule::push(Fault::OneOf(faults)).percent(50.0)).seed(7)
    };
    let first = statuses(several(), 60).await;
    assert_eq!(first, statuses(several(), 60).await);
    for status in [400, 500, 501, 502, 503, 504] {
        assert!(first.contains(&status), "{status}: {first:?}");
    }
}

#[tokio::test]
async fn a_mix_has_only_what_can_be_retried() {
    let scene = Scene::scripted(Script::new().mix(100.0)).await;
    let claims: Vec<_> = (0..40).map(|_| good()).collect();
    for claims in &claims {
        let _ = scene.request(key().sign(claims)).send().await;
    }
    let entries = scene.emulator.ledger();
    assert!(entries.iter().all(|entry| entry.fault.is_some()));
    for name in ["status", "close", "lost_answer", "slow_headers"] {
        assert!(entries.iter().any(|entry| entry.fault.as_deref() == Some(name)), "{name}");
    }
    // What was taken without the sender being told is known as taken.
    let taken = entries.iter().filter(|entry| entry.accepted).count();
    assert_eq!(scene.emulator.accepted().len(), taken);
}

#[tokio::test]
async fn rules_are_about_one_issuer_if_they_say_so() {
    let other = "https://other.example.org";
    let script = Script::new().rule(fault().issuer(other).nth(2));
    let scene = Scene::scripted(script).await;
    let from_other = || with(good(), "/iss", json!(other));
    scene.send(&from_other()).await.assert_refused("invalid_issuer");
    scene.send(&good()).await.assert_accepted();
    assert_eq!(scene.send(&from_other()).await.status, 503);
    scene.send(&good()).await.assert_accepted();
    scene.push("not a SET").await.assert_refused("invalid_request");
}

#[tokio::test]
async fn everything_else_is_not_counted() {
    let scene = Scene::scripted(Script::new().rule(fault().nth(1))).await;
    scene.http.get(scene.emulator.ledger_url()).send().await.unwrap();
    let elsewhere = scene.http.post(format!("{}/elsewhere", scene.emulator.base_url())).send().await;
    assert_eq!(elsewhere.unwrap().status().as_u16(), 404);
    assert_eq!(scene.send(&good()).await.status, 503);
}

#[test]
fn json_says_the_same_as_rust() {
    let text = json!({
        "seed": 7,
        "rules": [
            { "on": "token", "nth": 1, "fault": { "status": { "status": 503, "after": true } } },
            { "on": "push", "from": 2, "fault": { "reset": {} } },
            { "first": 2, "fault": { "slow_headers": { "ms": 20 } } },
            { "every": 3, "issuer": "https://a.example.org", "fault": "lost_answer" },
            { "percent": 2.5, "fault": { "one_of": ["close", { "huge_body": { "bytes": 9 } }] } },
            { "on": "connection", "fault": { "tls": "wrong_host" } },
        ],
    });
    let script = Script::new()
        .seed(7)
        .rule(Rule::token(Status::new(503).after()).nth(1))
        .rule(Rule::push(Fault::Reset { after: false }).from(2))
        .rule(Rule::push(Fault::SlowHeaders { ms: 20 }).first(2))
        .rule(Rule::push(Fault::LostAnswer).every(3).issuer("https://a.example.org"))
        .rule(Rule::push(Fault::OneOf(vec![Fault::Close, Fault::HugeBody { bytes: 9 }])).percent(2.5))
        .rule(Rule::connection(Fault::Tls(TlsFault::WrongHost)));
    assert_eq!(Script::from_json(&text.to_string()).unwrap(), script);
    assert_eq!(Script::from_json(&text["rules"].to_string()).unwrap(), script.seed(0));
    assert_eq!(Script::from_json("[]").unwrap(), Script::new());
}

#[test]
fn says_which_rule_is_wrong() {
    for (text, place, part) in [
        ("[", "the script is wrong:", "EOF"),
        ("{}", "the script is wrong:", "rules"),
        (r#"{ "rules": [{ "fault": "clos" }] }"#, " at /rules/0/fault:", "clos"),
        (r#"[{ "fault": "close" }, {}]"#, " at /1:", "fault"),
        (r#"[{ "fault": "close", "nht": 1 }]"#, " at /0:", "nht"),
        (r#"[{ "fault": "close", "on": "jwks" }]"#, " at /0:", "jwks"),
        (r#"[{ "fault": "close", "nth": 1, "from": 2 }]"#, " at /0:", "only one of"),
        (r#"[{ "fault": "close", "nth": 0 }]"#, " at /0/nth:", "begins at 1"),
        (r#"[{ "fault": "close", "every": 0 }]"#, " at /0/every:", "begins at 1"),
        (r#"[{ "fault": "close", "percent": 101 }]"#, " at /0/percent:", "0 to 100"),
        (r#"[{ "on": "token", "issuer": "a", "fault": "close" }]"#, " at /0/issuer:", "push"),
        (r#"[{ "fault": { "status": { "status": 99 } } }]"#, " at /0/fault/status/status:", "200 to 599"),
        (r#"[{ "fault": { "status": { "status": 503, "x": 1 } } }]"#, " at /0/fault:", "x"),
        (r#"[{ "fault": { "status": { "status": 503, "retry_after": [] } } }]"#, " at /0/fault:", "date_in"),
        (
            r#"[{ "fault": { "status": { "status": 503, "retry_after": "a\nb" } } }]"#,
            " at /0/fault/status/retry_after:",
            "header",
        ),
        (r#"[{ "fault": { "slow_headers": {} } }]"#, " at /0/fault:", "ms"),
        (r#"[{ "fault": { "tls": "expired" } }]"#, " at /0/fault:", "push"),
        (r#"[{ "on": "token", "fault": "jwks_stale" }]"#, " at /0/fault:", "token request"),
        (r#"[{ "on": "connection", "fault": "lost_answer" }]"#, " at /0/fault:", "connection"),
        (r#"[{ "fault": { "one_of": [] } }]"#, " at /0/fault/one_of:", "has to have"),
        (r#"[{ "fault": { "one_of": ["close", "jwks_stale"] } }]"#, " at /0/fault/one_of/1:", "jwks_stale"),
        (
            r#"[{ "fault": { "one_of": [{ "status": { "status": 1 } }] } }]"#,
            " at /0/fault/one_of/0/status/status:",
            "200",
        ),
    ] {
        let error = Script::from_json(text).unwrap_err();
        assert!(error.is_configuration());
        let error = error.to_string();
        assert!(error.contains(place) && error.contains(part), "{text}: {error}");
    }
}

#[tokio::test]
async fn rules_about_what_the_receiver_has_not_are_refused() {
    for rule in [
        Rule::token(Fault::Close),
        Rule::push(Fault::InvalidToken),
        Rule::push(Fault::OneOf(vec![Fault::Close, Fault::InvalidToken])),
        Rule::connection(Fault::Tls(TlsFault::Expired)),
        Rule::push(Fault::Close).nth(0),
    ] {
        let keys = KeySource::JwksUri("http://127.0.0.1:9/jwks.json".to_owned());
        let mut config = Config::new(Like::Okta, crate::common::ISSUER, keys, crate::common::AUDIENCE);
        config.script = Script::new().rule(Rule::push(Fault::Close)).rule(rule);
        let error = Emulator::start(config).await.unwrap_err();
        assert!(error.is_configuration() && error.to_string().contains("/1"), "{error}");
    }
}
