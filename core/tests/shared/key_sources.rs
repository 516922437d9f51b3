//! `tests/vectors/key-sources.json`: where keys are kept. Variables are those of a process: each case runs in a child of its
//! own, which is this very test binary.

#![cfg(all(feature = "client", unix))]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command},
    time::Duration,
};

use crate::common::{file, list, object, run, text};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use ssf_transmitter::{Error, KeySet, KeySource};

/// Reads the source of one case, and prints the result.
#[test]
#[ignore = "it is run by the other test, in an environment of its own"]
fn child() {
    let file = file("key-sources.json");
    let name = env::var("CHILD_CASE").unwrap();
    let case = list(&file["cases"]).iter().find(|case| case["name"] == name.as_str()).unwrap();
    let outcome = match read(case, Path::new(&env::var("CHILD_DIRECTORY").unwrap())) {
        Ok(expect) => json!({ "expect": expect }),
        Err(error) => {
            json!({ "code": error.code().as_str(), "message": error.to_string(), "shown": format!("{error:?}") })
        }
    };
    println!("outcome: {outcome}");
}

fn read(case: &Value, directory: &Path) -> Result<Value, Error> {
    let mut source = KeySource::parse(&text(&case["source"]).replace("{dir}", directory.to_str().unwrap()))?;
    for (name, value) in object(case) {
        source = match name.as_str() {
            "kid" => source.kid(text(value)),
            "algorithm" => source.algorithm(text(value).parse()?),
            "password" => source.password(text(value)),
            "time_limit" => source.time_limit(Duration::from_secs_f64(value.as_f64().unwrap())),
            "name" | "source" | "files" | "env" | "expect" | "error" => source,
            other => panic!("an unknown member {other}"),
        };
    }
    let key = source.read()?;
    let jwks = KeySet::watch(&source, Duration::from_mins(1))?.jwks()?;
    let published: Vec<_> = jwks.keys().iter().map(ssf_transmitter::PublicKey::kid).collect();
    Ok(json!({ "kid": key.kid(), "algorithm": key.algorithm().as_str(), "published": published }))
}

#[test]
fn every_source_gives_its_keys_or_an_error_that_shows_none_of_them() {
    let file = file("key-sources.json");
    let contents = |name: &Value| match &file["contents"][text(name)] {
        Value::String(text) => text.clone().into_bytes(),
        other => STANDARD.decode(text(&other["base64"])).unwrap(),
    };
    run("key-sources.json", "cases", list(&file["cases"]), |case| {
        let directory = scratch();
        let none = json!({});
        for (name, content) in object(case.get("files").unwrap_or(&none)) {
            let path = directory.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents(content)).unwrap();
        }
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["key_sources::child", "--exact", "--ignored", "--nocapture"]);
        child.env("CHILD_CASE", text(&case["name"])).env("CHILD_DIRECTORY", &directory);
        for (name, content) in object(case.get("env").unwrap_or(&none)) {
            child.env(name, String::from_utf8(contents(content)).unwrap());
        }
        let output = String::from_utf8(child.output().unwrap().stdout).unwrap();
        fs::remove_dir_all(directory).unwrap();
        let outcome = output.split_once("outcome: ").and_then(|(_, after)| after.lines().next());
        let outcome: Value = serde_json::from_str(outcome.ok_or(&output)?).unwrap();
        match case.get("error") {
            None if outcome["expect"] == case["expect"] => Ok(()),
            None => Err(format!("it gave {outcome}")),
            Some(error) => {
                let holds = |words: &Value| outcome.to_string().contains(text(words));
                let words = |name: &str| error.get(name).map(list).unwrap_or_default().to_vec();
                let says = words("says").iter().all(|words| {
                    outcome["message"].as_str().is_some_and(|message| message.contains(text(words)))
                });
                if outcome["code"] != error["code"] || !says || words("hides").iter().any(holds) {
                    return Err(format!("it gave {outcome}"));
                }
                Ok(())
            }
        }
    });
}

/// An empty directory.
fn scratch() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("key-sources-{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    directory
}
