//! Names of settings in texts: `{allow_loopback}` becomes the name that the reader's language has for it.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::Result;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    setting: Vec<Setting>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    name: String,
    python: String,
    node: String,
    swift: String,
    command: String,
}

/// The names, by what texts call them.
#[derive(Serialize)]
pub(crate) struct Settings(BTreeMap<String, Setting>);

impl Settings {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let file: File = toml::from_str(&fs::read_to_string(root.join("core/catalogue/settings.toml"))?)?;
        Ok(Self(file.setting.into_iter().map(|setting| (setting.name.clone(), setting)).collect()))
    }

    /// The text for readers of a language. A name in braces that the file does not have is an error.
    pub(crate) fn named(&self, text: &str, language: &str) -> std::result::Result<String, String> {
        let mut parts = text.split('{');
        let mut named = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) =
                part.split_once('}').ok_or_else(|| format!("{text:?}: a brace is not closed"))?;
            let setting = self.0.get(name).ok_or_else(|| format!("{text:?}: unknown setting {name:?}"))?;
            named.push_str(match language {
                "rust" => &setting.name,
                "python" => &setting.python,
                "node" => &setting.node,
                "swift" => &setting.swift,
                other => return Err(format!("unknown language {other:?}")),
            });
            named.push_str(rest);
        }
        Ok(named)
    }
}

/// The settings that a text names.
pub(crate) fn named_in(text: &str) -> Vec<String> {
    let names = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
    names.map(|(name, _)| name.to_owned()).collect()
}
