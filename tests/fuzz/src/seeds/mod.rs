//! Seeds for the targets, from `tests/vectors`, and inputs that a target once failed on, from `found/`.

mod documents;
mod stored;
mod wire;

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use documents::{
    access_tokens, certificates, claims, dialects, events, key_sets, keys, metadata, sets, subjects, tomls,
    urls,
};
use serde_json::Value;
use stored::{payloads, rows};
use wire::{authorizations, okta_answers, polls, push_answers, requests, token_answers, waits};

/// One file of the vectors.
pub(crate) fn file(name: &str) -> Value {
    let path = folder("../vectors").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The elements of a list.
pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}")).iter()
}

/// The seeds of a target, each once.
///
/// # Panics
///
/// If a vector has another form.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let seeds = match target {
        "access_token" => access_tokens(),
        "authorization" => authorizations(),
        "certificate" => certificates(),
        "claims" => claims(),
        "config" => tomls("config.json"),
        "der" => keys(|input| bytes(input, "der_base64"), false),
        "dialect" => dialects(),
        "encrypted_key" => keys(|input| bytes(input, "der_base64").or_else(|| pem(input)), true),
        "event" => events(),
        "jwk" => keys(|input| string(input, "jwk"), false),
        "jwks" => key_sets(),
        "key_source" => {
            list(&file("key-sources.json")["cases"]).filter_map(|case| string(case, "source")).collect()
        }
        "metadata" => metadata(),
        "okta_answer" => okta_answers(),
        "outbox_payload" => payloads(),
        "outbox_row" => rows(),
        "pem" => keys(pem, false),
        "poll_request" => polls(),
        "push_answer" => push_answers(),
        "retry_after" => waits(),
        "set" => sets(),
        "stream_request" => requests(),
        "subject" => subjects(),
        "token_answer" => token_answers(),
        "url" => urls(),
        other => panic!("no target {other}"),
    };
    let found = fs::read_dir(folder("found").join(target)).into_iter().flatten();
    let found = found.map(|entry| fs::read(entry.unwrap().path()).unwrap());
    BTreeSet::from_iter(seeds.into_iter().chain(found)).into_iter().collect()
}

/// A certificate authority, to be the only one of the system: reading those of a real one takes longer than all that is
/// fuzzed.
///
/// # Panics
///
/// If the vectors have none.
pub fn authority() -> Vec<u8> {
    string(&file("setup-network.json")["ca_bundles"][0], "ca_bundle").unwrap()
}

/// The names of members in the vectors, as a dictionary of libFuzzer.
///
/// # Panics
///
/// If a file of the vectors cannot be read.
pub fn dictionary() -> String {
    let mut words = BTreeSet::new();
    for name in files("") {
        names(&file(&name), &mut words);
    }
    let mut text = String::new();
    for word in words {
        let _ = writeln!(text, "\"{word}\"");
    }
    text
}

/// The names of members that need no escape.
fn names(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                if name.len() < 100
                    && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
                {
                    words.insert(name.clone());
                }
                names(value, words);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, words)),
        _ => {}
    }
}

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The JSON files of a folder of the vectors.
fn files(below: &str) -> Vec<String> {
    let entries = fs::read_dir(folder("../vectors").join(below)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".json")).map(|name| format!("{below}{name}")).collect()
}

fn string(value: &Value, name: &str) -> Option<Vec<u8>> {
    match value.get(name)? {
        Value::String(text) => Some(text.clone().into()),
        json => Some(json.to_string().into()),
    }
}

fn bytes(value: &Value, name: &str) -> Option<Vec<u8>> {
    Some(STANDARD.decode(value.get(name)?.as_str()?).unwrap())
}

fn pem(input: &Value) -> Option<Vec<u8>> {
    bytes(input, "pem_base64").or_else(|| string(input, "pem"))
}

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
