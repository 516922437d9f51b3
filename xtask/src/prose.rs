//! The writing rules of CONTRIBUTING.md, as far as a machine can check them: `xtask/phrases.toml` lists phrases that do not
//! belong in texts, with what to write instead.

use std::{
    fs,
    path::{Path, PathBuf},
};

use regex::{Regex, RegexBuilder, RegexSetBuilder};
use serde::Deserialize;

use crate::Result;

const LIST: &str = "xtask/phrases.toml";
/// Folders that builds and tools write, and the history.
const BUILT: &[&str] =
    &[".build", ".git", ".pytest_cache", ".venv", "__pycache__", "dist", "node_modules", "target"];

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
    let patterns = list.phrase.iter().map(|phrase| &phrase.pattern);
    let any = RegexSetBuilder::new(patterns).case_insensitive(true).multi_line(true).build()?;
    let mut paths = Vec::new();
    collect(root, Path::new(""), &list, &mut paths)?;
    paths.sort();
    let mut faults = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(root.join(path))?;
        // One pass over the file answers for all phrases; hardly any file has one.
        if !any.is_match(&text) {
            continue;
        }
        let path = path.display();
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

/// Finds the files to check below `folder`.
fn collect(root: &Path, folder: &Path, list: &List, paths: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let kind = entry.file_type()?;
        if list.exclude.iter().any(|excluded| path.starts_with(excluded)) {
            continue;
        }
        if kind.is_dir() {
            let name = entry.file_name();
            if !BUILT.iter().any(|built| name == *built) {
                collect(root, &path, list, paths)?;
            }
        } else if kind.is_file() {
            let extension = path.extension().and_then(|extension| extension.to_str());
            if extension.is_some_and(|extension| list.extensions.iter().any(|known| known == extension)) {
                paths.push(path);
            }
        }
    }
    Ok(())
}

impl Phrase {
    fn compiled(&self) -> Result<(Regex, &Self)> {
        Ok((RegexBuilder::new(&self.pattern).case_insensitive(true).build()?, self))
    }
}
