//! The writing rules of CONTRIBUTING.md, as far as a machine can check them: `xtask/phrases.toml` lists phrases that do not
//! belong in texts, with what to write instead.

use std::{fs, path::Path};

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::{Result, run::program};

const LIST: &str = "xtask/phrases.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    extensions: Vec<String>,
    exclude: Vec<String>,
    phrase: Vec<Phrase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrase {
    pattern: String,
    instead: String,
    why: Option<String>,
}

/// Fails on a phrase of the list, and names its place and its replacement.
pub(crate) fn run(root: &Path) -> Result {
    let list: List = toml::from_str(&fs::read_to_string(root.join(LIST))?)?;
    let phrases = list.phrase.iter().map(Phrase::compiled).collect::<Result<Vec<_>>>()?;
    let tracked = program(root, "git", "ls-files").hint("install git (https://git-scm.com)").output()?;
    let is_checked = |path: &&str| {
        let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| list.extensions.iter().any(|known| known == extension))
            && !list.exclude.iter().any(|excluded| path.starts_with(excluded.as_str()))
    };
    let mut faults = Vec::new();
    for path in tracked.lines().filter(is_checked) {
        let Ok(text) = fs::read_to_string(root.join(path)) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            for (regex, phrase) in &phrases {
                if let Some(found) = regex.find(line) {
                    let why = phrase.why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
                    let Phrase { instead, .. } = phrase;
                    faults.push(format!("{path}:{number}: {:?}; instead: {instead}{why}", found.as_str()));
                }
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("{LIST}\n{}", faults.join("\n")).into()) }
}

impl Phrase {
    fn compiled(&self) -> Result<(Regex, &Self)> {
        Ok((RegexBuilder::new(&self.pattern).case_insensitive(true).build()?, self))
    }
}
