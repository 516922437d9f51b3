//! `tests/vectors/config.json`: files of settings, and what is wrong with others.

#![cfg(all(feature = "client", unix))]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::common::{file, list, object, run, same, text};
use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Error,
    config::{Config, OutboxPlace},
};

#[test]
fn files_are_read_with_all_that_they_name() {
    let file = file("config.json");
    run("config.json", "valid", list(&file["valid"]), |case| {
        let folder = folder("config-valid", &file, case);
        let config = Config::read(folder.join(Config::FILE_NAME)).map_err(|error| error.to_string())?;
        same("what is wrong", &shown(&config.check()), &Vec::new())?;
        let (expect, mut found) = (&case["expect"], read(&config).map_err(|error| error.to_string())?);
        if expect.get("kid").is_none() {
            found.remove("kid");
        }
        same("what is read", &Value::Object(found), expect)?;
        fs::remove_dir_all(folder).map_err(|error| error.to_string())
    });
}

fn read(config: &Config) -> Result<Map<String, Value>, Error> {
    let mut receivers = Map::new();
    for name in config.receiver_names() {
        let receiver = config.receiver(name)?;
        let dialect = receiver.dialect().id();
        let shown = json!({ "host": receiver.host(), "audience": receiver.audience(), "dialect": dialect });
        receivers.insert(name.to_owned(), shown);
    }
    let mut found = Map::from_iter([
        ("issuer".to_owned(), json!(config.issuer())),
        ("receivers".to_owned(), Value::Object(receivers)),
    ]);
    if config.issuer().is_some() {
        config.transmitter()?.build()?;
        found.insert("kid".to_owned(), json!(config.key_source()?.read()?.kid()));
    }
    match config.outbox()? {
        None => {}
        Some(OutboxPlace::File(path)) => {
            assert!(path.is_absolute());
            found.insert("outbox".to_owned(), json!("file"));
        }
        Some(OutboxPlace::Database { url, .. }) => {
            assert!(url.expose().starts_with("postgresql://") && !url.expose().ends_with('\n'));
            found.insert("outbox".to_owned(), json!("database"));
        }
        Some(other) => panic!("{other:?}"),
    }
    Ok(found)
}

#[test]
fn all_that_is_wrong_is_told_with_its_place_and_without_its_value() {
    let file = file("config.json");
    run("config.json", "invalid", list(&file["invalid"]), |case| {
        let folder = folder("config-invalid", &file, case);
        let path = folder.join(Config::FILE_NAME);
        let mut found = Config::check_toml(text(&case["toml"]));
        let read = Config::read(&path);
        let in_file = match &read {
            Ok(config) => {
                found = config.check();
                same(
                    "the first",
                    &found.first().map(ToString::to_string),
                    &config.check().first().map(ToString::to_string),
                )?;
                found.first().cloned()
            }
            Err(error) => Some(error.clone()),
        };
        let said = in_file.map(|error| error.message().to_owned()).unwrap_or_default();
        if !said.starts_with(path.to_str().unwrap()) {
            return Err(format!("no file is named: {said}"));
        }
        let expected = list(&case["errors"]);
        same("the number of errors", &found.len(), &expected.len())
            .map_err(|why| format!("{why}: {:?}", shown(&found)))?;
        for (error, expected) in found.iter().zip(expected) {
            same("the code", &error.code().as_str(), &text(&expected["code"]))?;
            same("the pointer", &error.pointer(), &expected["pointer"].as_str())?;
            if let Some(words) =
                list(&expected["says"]).iter().find(|words| !error.message().contains(text(words)))
            {
                return Err(format!("{words} is not said: {error}"));
            }
        }
        let all = format!("{:?} {found:?} {read:?}", shown(&found));
        let hidden = case.get("hides").map(list).unwrap_or_default();
        if hidden.iter().any(|secret| all.contains(text(secret))) {
            return Err(format!("a secret is shown: {all}"));
        }
        fs::remove_dir_all(folder).map_err(|error| error.to_string())
    });
}

#[test]
fn the_valid_cases_have_every_setting() {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue/config.toml");
    let catalogue: toml::Table = fs::read_to_string(catalogue).unwrap().parse().unwrap();
    let mut listed = BTreeSet::new();
    for table in catalogue["table"].as_array().unwrap() {
        for key in table["key"].as_array().unwrap() {
            listed.insert(format!("{}.{}", table["name"].as_str().unwrap(), key["name"].as_str().unwrap()));
        }
    }
    let mut set = BTreeSet::new();
    for case in list(&file("config.json")["valid"]) {
        let document: toml::Table = text(&case["toml"]).parse().unwrap();
        for (name, value) in &document {
            match (name.as_str(), value.as_table()) {
                ("receivers", Some(receivers)) => {
                    let keys = receivers.values().flat_map(|receiver| receiver.as_table().unwrap().keys());
                    set.extend(keys.map(|key| format!("receivers.NAME.{key}")));
                }
                (name, Some(table)) => set.extend(table.keys().map(|key| format!("{name}.{key}"))),
                (name, None) => _ = set.insert(format!(".{name}")),
            }
        }
    }
    assert_eq!(set, listed);
}

#[test]
fn the_examples_of_the_documentation_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(folder.join("docs/configuration-file.md")).unwrap();
    let mut blocks = page.split("```toml\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).peekable();
    assert!(blocks.peek().is_some());
    for block in blocks {
        assert_eq!(shown(&Config::check_toml(block)), Vec::<String>::new());
    }
}

#[test]
fn a_new_file_has_what_is_set_and_the_rest_in_comments() {
    let file = file("config.json");
    let cases = list(&file["valid"]).iter().map(|case| text(&case["toml"]));
    for toml in cases {
        let commented = Config::commented_toml(toml).unwrap();
        let (before, after) =
            (toml.parse::<toml::Table>().unwrap(), commented.parse::<toml::Table>().unwrap());
        assert_eq!(before, after);
    }
    // Without the comment signs of keys and tables, each example is a value of the right kind.
    let all = Config::commented_toml("").unwrap();
    let is_setting = |line: &str| {
        line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '))
    };
    let lines =
        all.lines().map(|line| line.strip_prefix("# ").filter(|line| is_setting(line)).unwrap_or(line));
    let errors = Config::check_toml(&lines.collect::<Vec<_>>().join("\n"));
    assert!(!errors.is_empty(), "receivers cannot have every setting");
    for error in errors {
        assert_eq!(error.code().as_str(), "configuration_invalid", "{error}");
        assert!(!["value", "unknown key"].iter().any(|words| error.message().contains(words)), "{error}");
    }
    assert!(Config::commented_toml("isuer = 1").is_err());
}

#[test]
fn the_schema_has_every_setting() {
    let schema: Value = serde_json::from_str(Config::JSON_SCHEMA).unwrap();
    let names =
        |schema: &Value| -> BTreeSet<String> { object(&schema["properties"]).keys().cloned().collect() };
    for (name, table) in object(&schema["properties"]) {
        let table = if name == "receivers" { &table["additionalProperties"] } else { table };
        if table["type"] == "object" {
            assert_eq!(table["additionalProperties"], false, "{name}");
            assert!(names(table).len() > 2, "{name}");
        }
    }
    assert_eq!(schema["properties"]["lint"]["properties"]["refuse"]["enum"][3], "never");
}

#[test]
fn the_nearest_file_is_found() {
    let folder = scratch("config-found");
    let inner = folder.join("a/b");
    fs::create_dir_all(&inner).unwrap();
    let path = folder.join("a").join(Config::FILE_NAME);
    fs::write(&path, "issuer = 'https://edr.example.com'").unwrap();
    assert_eq!(Config::find(&inner), Some(path.clone()));
    assert_eq!(Config::nearest(&inner).unwrap().issuer(), Some("https://edr.example.com"));
    assert_ne!(Config::find(&folder), Some(path));
    fs::remove_dir_all(folder).unwrap();
}

fn shown(errors: &[Error]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

/// A folder with the files of a case, and its file of settings.
fn folder(name: &str, vectors: &Value, case: &Value) -> PathBuf {
    let folder = scratch(name);
    let none = json!({});
    for (name, content) in object(case.get("files").unwrap_or(&none)) {
        let content = vectors["contents"].get(text(content)).unwrap_or(content);
        fs::write(folder.join(name), text(content)).unwrap();
    }
    fs::write(folder.join(Config::FILE_NAME), text(&case["toml"])).unwrap();
    folder
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}
