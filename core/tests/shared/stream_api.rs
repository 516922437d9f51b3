//! Requests and answers of the stream API: `tests/vectors/stream-api.json`.

use std::time::Duration;

use crate::common::{list, object, same, text};
use serde_json::Value;
use ssf_transmitter::{
    Event, KeySet, KeyType, SigningKey, Subject, Timestamp,
    outbox::{Entry, MemoryStore, Store, suite::ManualClock},
    set::Audience,
    stream::{Answer, Authentication, Begun, Caller, Head, Scope, StreamApi},
};

/// A transmitter, and the names that a case has given to values so far.
struct Case {
    api: StreamApi,
    store: MemoryStore,
    clock: ManualClock,
    caller: Caller,
    names: Vec<(String, String)>,
}

impl Case {
    fn new(settings: &Value) -> Self {
        let clock = ManualClock::at(Timestamp::now());
        let store = MemoryStore::new().clock(clock.clone());
        let keys = KeySet::new(SigningKey::generate(KeyType::P256).unwrap());
        let audience: Vec<_> = list(&settings["audience"]).iter().map(|one| text(one).to_owned()).collect();
        let api = StreamApi::builder(text(&settings["issuer"]), keys, store.clone())
            .events(list(&settings["events_supported"]).iter().map(text))
            .lease(Duration::from_secs(settings["lease"].as_u64().unwrap()))
            .min_verification_interval(None)
            .push(|_| Ok(()))
            .clock(clock.clone())
            .build()
            .unwrap();
        let caller = Caller::new("acme").audience(Audience::from(audience)).scope(Scope::Manage);
        Self { api, store, clock, caller, names: Vec::new() }
    }

    /// A value in which names have their values.
    fn filled(&self, value: &Value) -> Value {
        let fill =
            |text: String, (name, value): &(String, String)| text.replace(&format!("{{{name}}}"), value);
        serde_json::from_str(&self.names.iter().fold(value.to_string(), fill)).unwrap()
    }

    async fn step(&mut self, step: &Value) -> Result<(), String> {
        if let Some(published) = step.get("publish") {
            let event = Event::from_value(published["event"].clone()).unwrap();
            let subject = Subject::from_members(object(&published["subject"]).clone());
            let published = self.api.publish(Entry::new(event, subject)).await.unwrap();
            self.names.extend(published.jtis.into_iter().map(|jti| ("jti".to_owned(), jti)));
        } else if let Some(seconds) = step.get("advance") {
            self.clock.advance(Duration::from_secs(seconds.as_u64().unwrap()));
        } else if let Some(counts) = step.get("counts") {
            let found = self.store.counts().await.unwrap();
            for (name, expected) in object(counts) {
                let found = match name.as_str() {
                    "delivered" => found.delivered,
                    "dead" => found.dead,
                    "in_flight" => found.in_flight,
                    other => panic!("no count {other}"),
                };
                same(name, &found, &expected.as_u64().unwrap())?;
            }
        } else {
            let answer = self.request(&self.filled(&step["request"]), step.get("caller")).await;
            for (name, pointer) in step.get("capture").map(object).into_iter().flatten() {
                let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
                let value = body.pointer(text(pointer)).and_then(Value::as_str);
                let value = value.ok_or_else(|| format!("no {name} in {body}"))?;
                self.names.push((name.clone(), value.to_owned()));
            }
            compare(&answer, &self.filled(&step["response"]))?;
        }
        Ok(())
    }

    async fn request(&self, request: &Value, caller: Option<&Value>) -> Answer {
        let authentication = match caller.map(text) {
            None => Authentication::Valid(self.caller.clone()),
            Some("none") => Authentication::Missing,
            Some("invalid") => Authentication::Invalid,
            Some("other") => Authentication::Valid(Caller::new("globex").scope(Scope::Manage)),
            Some("apple") => {
                Authentication::Valid(Caller::new("apple").scope(Scope::Manage).dialect("apple"))
            }
            Some("reader") => Authentication::Valid(Caller::new("acme").scope(Scope::Read)),
            Some(other) => panic!("no caller {other}"),
        };
        let mut head = Head::new(text(&request["method"]), text(&request["target"]));
        if let Some(kind) = request.get("content_type") {
            head = head.header("Content-Type", text(kind));
        }
        let body = request.get("body").map(ToString::to_string).unwrap_or_default();
        match self.api.begin(&head, authentication) {
            Begun::Answered(answer) => answer,
            Begun::Body(call) => call.respond(body.as_bytes()).await,
        }
    }
}

fn compare(answer: &Answer, expected: &Value) -> Result<(), String> {
    let shown = String::from_utf8_lossy(answer.body()).into_owned();
    same(
        &format!("the status of {shown}"),
        &u64::from(answer.status()),
        &expected["status"].as_u64().unwrap(),
    )?;
    if let Some(value) = expected.get("cache_control") {
        same("Cache-Control", &answer.header("cache-control"), &Some(text(value)))?;
    }
    let body = || serde_json::from_str::<Value>(&shown).map_err(|error| format!("{shown}: {error}"));
    if let Some(sets) = expected.get("sets") {
        let body = body()?;
        let found: Vec<_> = object(&body["sets"]).keys().map(String::as_str).collect();
        same("the ids of the SETs", &found, &list(sets).iter().map(text).collect())?;
    } else if let Some(err) = expected.get("err") {
        let body = body()?;
        same("err", &body["err"], err)?;
        same("the description is text", &body["description"].is_string(), &true)?;
    } else if let Some(expected) = expected.get("body") {
        same("the body", &body()?, expected)?;
        same("Content-Type", &answer.header("content-type"), &Some("application/json"))?;
    } else {
        same("the body", &shown, &String::new())?;
    }
    Ok(())
}

#[test]
fn every_case_is_answered_as_it_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let file = crate::common::file("stream-api.json");
    crate::common::run("stream-api.json", "cases", list(&file["cases"]), |case| {
        let mut world = Case::new(&file["settings"]);
        runtime.block_on(async {
            for (index, step) in list(&case["steps"]).iter().enumerate() {
                world.step(step).await.map_err(|failure| format!("step {index}: {failure}"))?;
            }
            Ok(())
        })
    });
}
