//! What an operator writes: dialects, `ssf.toml`, sources of keys.

use serde_json::Value;
use ssf_transmitter::{
    Algorithm, Dialect, KeySource, SetBuilder, Subject, config::Config, event::caep, key::SigningHeader,
};

use super::text;
use crate::judge;

/// A dialect in TOML.
pub(crate) fn dialect(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for read in [Dialect::from_toml(text), Dialect::okta().extended(text)] {
        let dialect = match read {
            Ok(dialect) => dialect,
            Err(error) => {
                judge::error(&error);
                continue;
            }
        };
        assert!(!dialect.id().is_empty());
        let set = SetBuilder::new("https://tr.example.com", "https://receiver.example.com")
            .dialect(&dialect)
            .event(caep::SessionRevoked::new())
            .subject(Subject::email("ada@example.com"));
        if let Err(error) = set.prepare(SigningHeader::new(Algorithm::Es256, "key-1")) {
            judge::error(&error);
        }
    }
}

/// `ssf.toml`. Only its text is read: what it names is on no disk.
pub(crate) fn config(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let problems = Config::check_toml(text);
    let document: Option<Value> =
        text.parse::<toml::Table>().ok().and_then(|table| serde_json::to_value(table).ok());
    for problem in &problems {
        judge::error(problem);
        if let (Some(document), Some(pointer)) = (&document, problem.pointer()) {
            let around = pointer.rsplit_once('/').map_or("", |(around, _)| around);
            assert!(document.pointer(around).is_some(), "{pointer:?} is not in the file");
        }
    }
    let read = Config::from_toml(text);
    assert_eq!(read.is_ok(), problems.is_empty());
    match Config::commented_toml(text) {
        Ok(commented) => {
            assert_eq!(settings(&commented), settings(text));
            assert!(Config::check_toml(&commented).is_empty());
        }
        Err(error) => assert_eq!(Some(error.to_string()), problems.first().map(ToString::to_string)),
    }
}

/// What is set. A table of no receivers sets nothing.
fn settings(text: &str) -> toml::Table {
    let mut table: toml::Table = text.parse().unwrap();
    table.retain(|_, value| value.as_table().is_none_or(|table| !table.is_empty()));
    table
}

/// The text that says where a key is. It may be the key itself by mistake, and is never quoted.
pub(crate) fn key_source(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match text.parse::<KeySource>() {
        // The arguments of a command are not shown, and a path may begin as another kind does.
        Ok(source) if text.starts_with("env:") => assert_eq!(source.to_string(), text),
        Ok(source) => assert!(!source.to_string().is_empty()),
        Err(error) => {
            judge::error(&error);
            judge::hides(&error, judge::secrets(bytes));
        }
    }
}
