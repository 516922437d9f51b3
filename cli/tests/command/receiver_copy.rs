//! What the page of `ssf receiver` copies: a command that sends the same event again.

#![cfg(unix)]

use std::path::Path;

use crate::{
    common::{AUDIENCE, http},
    program::{self, folder},
};
use serde_json::{Value, json};
use ssf_emulator::Published;
use ssf_transmitter::{Event, Jwks, KeyType, SetBuilder, SigningKey, Subject};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// A receiver with a page that takes the SETs of a key in a folder.
struct Scene {
    folder: String,
    key: SigningKey,
    published: Published,
    ready: Value,
    _child: Child,
}

impl Scene {
    async fn start(name: &str) -> Self {
        let folder = folder(name);
        let key = SigningKey::generate(KeyType::P256).unwrap();
        let pem = key.export_private_pem().unwrap();
        std::fs::write(format!("{folder}/signing-key.pem"), pem.expose()).unwrap();
        let jwks = Jwks::new([key.public_key().clone()]).unwrap();
        let published = Published::start(jwks.to_json()).await.unwrap();
        let known =
            ["--issuer", published.issuer(), "--jwks-uri", published.jwks_uri(), "--audience", AUDIENCE];
        let arguments = [&["receiver", "--page", "--like", "rfc8935"], &known[..]].concat();
        let mut child = program::command(&arguments).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Self { folder, key, published, ready, _child: child }
    }

    /// Pushes a SET, and returns what the page copies of it.
    async fn copies(&self, set: SetBuilder) -> Vec<Value> {
        let set = set.sign(&self.key).unwrap();
        let push = http().post(self.ready["push"].as_str().unwrap());
        let push =
            push.header("Content-Type", "application/secevent+jwt").header("Accept", "application/json");
        assert_eq!(push.body(set.as_str().to_owned()).send().await.unwrap().status(), 202);
        let mut events = crate::page::events_of(&self.ready).await;
        let mut shown = events.named("arrival").await;
        while !shown["request"].as_str().unwrap().contains(set.as_str()) {
            shown = events.named("arrival").await;
        }
        shown["copies"].as_array().unwrap().clone()
    }

    /// The claims that the receiver accepted, without those that differ from SET to SET.
    async fn accepted(&self) -> Vec<Value> {
        let ledger = http().get(self.ready["ledger"].as_str().unwrap()).send().await.unwrap();
        let ledger: Vec<Value> = ledger.json().await.unwrap();
        let claims = ledger.into_iter().filter(|entry| entry["accepted"] == true).map(|entry| {
            let mut claims = entry["claims"].clone();
            for name in ["jti", "iat"] {
                claims.as_object_mut().unwrap().remove(name);
            }
            claims
        });
        claims.collect()
    }
}

#[tokio::test]
async fn the_command_sends_the_same_event_again() {
    let scene = Scene::start("receiver-copy").await;
    let hostile = "it's \"$(touch hacked)\" `touch hacked` \\ \u{1b}[201~\r\u{9b}\u{202e} é !x";
    let subjects = [
        Subject::email("ada@example.com"),
        Subject::opaque(hostile),
        Subject::custom(hostile, [(hostile, hostile)]),
    ];
    let event = Event::from_json(
        &json!({ "https://edr.example.com/own": { hostile: [hostile, 1.5, null] } }).to_string(),
    );
    let events = [
        Event::from_json(r#"{ "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {} }"#)
            .unwrap(),
        event.unwrap(),
    ];
    let mut sent = 0;
    for event in &events {
        for subject in &subjects {
            let unsent = SetBuilder::new(scene.published.issuer(), AUDIENCE)
                .event(event.clone())
                .subject(subject.clone());
            let copies = scene.copies(unsent.txn("it's")).await;
            assert_eq!(copies.len(), if subject.format() == hostile { 1 } else { 5 }, "{copies:?}");
            let command = copies[0]["text"].as_str().unwrap();
            let unseen =
                |character: char| character.is_control() && character != '\n' || character == '\u{202e}';
            assert!(copies.iter().all(|copy| !copy["text"].as_str().unwrap().contains(unseen)), "{copies:?}");

            let program = Path::new(env!("CARGO_BIN_EXE_ssf")).parent().unwrap().display().to_string();
            let path = format!("{program}:{}", std::env::var("PATH").unwrap());
            let mut shell = Command::new("bash");
            let run =
                program::run(shell.args(["-c", command]).current_dir(&scene.folder).env("PATH", path)).await;
            assert_eq!(run.code, Some(0), "{command}\n{run:?}");
            sent += 2;
            let accepted = scene.accepted().await;
            assert_eq!(accepted.len(), sent);
            assert_eq!(accepted[sent - 1], accepted[sent - 2], "{command}");
        }
    }
    assert!(!Path::new(&scene.folder).join("hacked").exists());
}
