//! The types that every language returns: `core/catalogue/records.toml`, its page and the vector that the tests compare with.

use std::{fmt::Write as _, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::names;
use crate::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    record: Vec<Entry>,
}

/// A type, or a member of one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    doc: String,
    // Names that differ from what the rule of a language makes of the name; empty where the language has no such member.
    rust: Option<String>,
    python: Option<String>,
    node: Option<String>,
    swift: Option<String>,
    #[serde(default)]
    member: Vec<Entry>,
}

impl Entry {
    /// The name in Rust, Python, Node and Swift.
    fn names(&self) -> [String; 4] {
        let camel = if self.member.is_empty() { names::camel(&self.name) } else { self.name.clone() };
        [(&self.rust, &self.name), (&self.python, &self.name), (&self.node, &camel), (&self.swift, &camel)]
            .map(|(own, name)| own.as_ref().unwrap_or(name).clone())
    }
}

const LANGUAGES: [&str; 4] = ["rust", "python", "node", "swift"];

/// The page and the vector: the files, with their contents.
pub(super) fn outputs(root: &Path) -> Result<[(String, String); 2]> {
    let source = root.join("core/catalogue/records.toml");
    let text = fs::read_to_string(&source).map_err(|error| format!("{}: {error}", source.display()))?;
    let records: Records = toml::from_str(&text).map_err(|error| format!("{}: {error}", source.display()))?;

    let mut page = String::from(
        "<!-- Generated from core/catalogue/records.toml by `cargo xtask codegen`. Do not edit. -->\n\n# Results\n\n\
         What the library returns has the same members with the same meaning in every language.\n",
    );
    let mut vector = Map::new();
    for record in &records.record {
        let [rust, python, node, swift] = record.names();
        write!(page, "\n## {}\n\n{}\n\n", record.name, record.doc)?;
        writeln!(page, "| Rust `{rust}` | Python `{python}` | Node `{node}` | Swift `{swift}` | meaning |")?;
        writeln!(page, "| --- | --- | --- | --- | --- |")?;
        let mut columns = [const { Vec::new() }; 4];
        for member in &record.member {
            let names = member.names();
            let [rust, python, node, swift] = names
                .each_ref()
                .map(|name| if name.is_empty() { String::new() } else { format!("`{name}`") });
            writeln!(page, "| {rust} | {python} | {node} | {swift} | {} |", member.doc)?;
            for (column, name) in columns.iter_mut().zip(names).filter(|(_, name)| !name.is_empty()) {
                column.push(Value::String(name));
            }
        }
        let columns = LANGUAGES.into_iter().zip(columns);
        vector.insert(
            record.name.clone(),
            columns.map(|(language, names)| (language.to_owned(), names)).collect(),
        );
    }
    let about = "The members of what every language returns, by language. Generated from core/catalogue/records.toml.";
    let vector = json!({ "about": about, "records": vector });
    Ok([
        ("docs/records.md".to_owned(), page),
        ("tests/vectors/records.json".to_owned(), format!("{vector:#}\n")),
    ])
}
