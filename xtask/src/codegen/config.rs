//! The settings in `ssf.toml`: `core/catalogue/config.toml`, its page and the JSON Schema for editors.

use std::{fmt::Write as _, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Result;

const SOURCE: &str = "core/catalogue/config.toml";
const PAGE: &str = "docs/configuration-file.md";
const SCHEMA: &str = "core/src/config/schema.json";
const MARKS: (&str, &str) =
    ("<!-- settings: generated from core/catalogue/config.toml -->\n", "<!-- end of settings -->");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    table: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    doc: String,
    key: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    name: String,
    kind: String,
    doc: String,
    example: String,
    #[serde(default)]
    values: Vec<String>,
}

/// The page and the schema: the files, with their contents.
pub(super) fn outputs(root: &Path) -> Result<[(String, String); 2]> {
    let text = fs::read_to_string(root.join(SOURCE)).map_err(|error| format!("{SOURCE}: {error}"))?;
    let list: List = toml::from_str(&text).map_err(|error| format!("{SOURCE}: {error}"))?;
    let page = fs::read_to_string(root.join(PAGE)).map_err(|error| format!("{PAGE}: {error}"))?;
    let (before, rest) = page.split_once(MARKS.0).ok_or(format!("{PAGE} has no line {}", MARKS.0))?;
    let (_, after) = rest.split_once(MARKS.1).ok_or(format!("{PAGE} has no line {}", MARKS.1))?;
    let page = format!("{before}{}{}{}{after}", MARKS.0, tables(&list)?, MARKS.1);
    Ok([(PAGE.to_owned(), page), (SCHEMA.to_owned(), format!("{:#}\n", schema(&list)?))])
}

fn tables(list: &List) -> Result<String> {
    let mut page = String::new();
    for table in &list.table {
        let title = match table.name.as_str() {
            "" => "Before the first table".to_owned(),
            name => format!("`[{name}]`"),
        };
        write!(page, "\n### {title}\n\n{}\n\n", table.doc)?;
        page.push_str("| key | value | meaning |\n| --- | --- | --- |\n");
        for key in &table.key {
            writeln!(page, "| `{}` | {} | {} |", key.name, kind(key)?, key.doc)?;
        }
    }
    page.push('\n');
    Ok(page)
}

fn kind(key: &Key) -> Result<String> {
    Ok(match key.kind.as_str() {
        "url" => "a URL".to_owned(),
        "secret" => "`env:`, `file:` or `cmd:`".to_owned(),
        "url-secret" => "a URL, or `env:`, `file:` or `cmd:`".to_owned(),
        "key" => "a [key source](keys.md#key-sources)".to_owned(),
        "path" => "a path".to_owned(),
        "string" => "a string".to_owned(),
        "number" => "a number".to_owned(),
        "integer" => "a whole number".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "strings" => "a list of strings".to_owned(),
        "parameters" => "a table of strings".to_owned(),
        "audience" => "a string, or a list of strings".to_owned(),
        "choice" => key.values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", "),
        other => return Err(format!("{SOURCE}: {}: unknown kind {other}", key.name).into()),
    })
}

/// A JSON Schema of draft 7, which the usual plug-ins for TOML read.
fn schema(list: &List) -> Result<Value> {
    let mut top = Map::new();
    for table in &list.table {
        let mut keys = Map::new();
        for key in &table.key {
            keys.insert(key.name.clone(), value(key)?);
        }
        if table.name.is_empty() {
            top.extend(keys);
            continue;
        }
        let content = json!({ "type": "object", "additionalProperties": false, "properties": keys });
        let (name, mut content) = match table.name.strip_suffix(".NAME") {
            Some(around) => (around, json!({ "type": "object", "additionalProperties": content })),
            None => (table.name.as_str(), content),
        };
        content["description"] = plain(&table.doc).into();
        top.insert(name.to_owned(), content);
    }
    Ok(json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "ssf.toml",
        "description": format!("Settings of ssf-transmitter. Generated from {SOURCE}."),
        "type": "object",
        "additionalProperties": false,
        "properties": top,
    }))
}

fn value(key: &Key) -> Result<Value> {
    let text = json!({ "type": "string", "minLength": 1 });
    let mut schema = match key.kind.as_str() {
        "url" => json!({ "type": "string", "format": "uri" }),
        "secret" => json!({ "type": "string", "pattern": "^(env|file|cmd):." }),
        "url-secret" => {
            json!({ "type": "string", "pattern": "^(env:|file:|cmd:|[A-Za-z][A-Za-z0-9+.-]*://)." })
        }
        "number" => json!({ "type": "number", "minimum": 0 }),
        "integer" => json!({ "type": "integer", "minimum": 1 }),
        "boolean" => json!({ "type": "boolean" }),
        "strings" => json!({ "type": "array", "items": text }),
        "parameters" => json!({ "type": "object", "additionalProperties": text }),
        "choice" => json!({ "enum": key.values }),
        "audience" => json!({ "anyOf": [text, { "type": "array", "items": text, "minItems": 1 }] }),
        _ => text,
    };
    let example: toml::Table = toml::from_str(&format!("it = {}", key.example))
        .map_err(|error| format!("{SOURCE}: the example of {}: {error}", key.name))?;
    schema["description"] = plain(&key.doc).into();
    schema["examples"] = json!([example["it"]]);
    Ok(schema)
}

/// A text without the targets of its links.
fn plain(text: &str) -> String {
    let mut parts = text.split("](");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push(']');
        plain.push_str(part.split_once(')').map_or(part, |(_, rest)| rest));
    }
    plain.replace(['[', ']'], "")
}
