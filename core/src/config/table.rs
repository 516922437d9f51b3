//! The keys of the file, from the catalogue.

use std::sync::LazyLock;

use serde::Deserialize;

/// The tables, the keys before the first table of a file first.
pub(super) static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        table: Vec<Table>,
    }
    let text = include_str!("../../catalogue/config.toml");
    #[allow(clippy::expect_used, reason = "the text is compiled in, and tests read it")]
    toml::from_str::<File>(text).expect("the list of settings can be read").table
});

/// A table of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// `NAME` in it stands for a name that users choose.
    pub(super) name: String,
    pub(super) doc: String,
    #[serde(rename = "key")]
    pub(super) keys: Vec<Key>,
}

/// A key of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) doc: String,
    /// As TOML.
    pub(super) example: String,
    #[serde(default)]
    pub(super) values: Vec<String>,
}

/// What a value may be.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    String,
    Url,
    Secret,
    UrlSecret,
    Key,
    Path,
    Number,
    Integer,
    Boolean,
    Strings,
    Parameters,
    Choice,
    Audience,
}

impl Table {
    pub(super) fn key(&self, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The name of the table around it, if users name its tables.
    pub(super) fn names_below(&self) -> Option<&str> {
        self.name.strip_suffix(".NAME")
    }
}

/// The name under which a file has a table at its top: its own, or that of the table around it.
pub(super) fn top_name(table: &Table) -> &str {
    table.names_below().unwrap_or(&table.name)
}
