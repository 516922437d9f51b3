//! The texts of licences and notices, from the sources of what is linked.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use spdx::{Expression, ParseMode};

use super::Bill;
use crate::{Result, install::read};

/// What files with licences and notices begin with.
const NAMES: &[&str] =
    &["LICENSE", "LICENCE", "UNLICENSE", "COPYING", "COPYRIGHT", "NOTICE", "ACKNOWLEDGEMENTS"];
const RULE: &str = "--------------------------------------------------------------------------------";

/// The texts in a folder; where it has none, the standard ones of the licences that an SPDX expression names.
pub(super) fn texts(folder: &Path, licence: &str) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && NAMES.iter().any(|known| name.starts_with(known)) {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return standard(licence);
    }
    files.iter().map(|file| text(file)).collect()
}

/// The text of a file.
pub(super) fn text(file: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&read(file)?).replace('\r', "").trim().to_owned())
}

/// Our own licences.
pub(super) fn ours(root: &Path) -> Result<Vec<String>> {
    ["LICENSE-APACHE", "LICENSE-MIT"].iter().map(|name| text(&root.join(name))).collect()
}

/// The standard texts.
fn standard(licence: &str) -> Result<Vec<String>> {
    let expression = Expression::parse_mode(licence, ParseMode::LAX)
        .map_err(|error| format!("the licence {licence:?} is no expression of SPDX: {}", error.reason))?;
    let ids = expression.requirements().filter_map(|requirement| requirement.req.license.id());
    Ok(ids.map(|id| id.text().trim().to_owned()).collect())
}

/// All of them, each text once.
pub(super) fn render(bill: &Bill) -> Result<String> {
    let mut out = format!(
        "{} {} for {} contains the following software. The texts of the licences are below.\n\n",
        bill.artefact.package(),
        env!("CARGO_PKG_VERSION"),
        bill.target.triple
    );
    let mut texts = BTreeMap::<String, (&str, Vec<String>)>::new();
    for part in bill.parts.iter().skip(1) {
        writeln!(out, "* {} {}: {}", part.name, part.version, part.licence)?;
        for text in &part.texts {
            // The same text, whatever its lines are.
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            texts
                .entry(words)
                .or_insert((text, Vec::new()))
                .1
                .push(format!("{} {}", part.name, part.version));
        }
    }
    for (text, names) in texts.values() {
        write!(out, "\n{RULE}\n{}\n{RULE}\n\n{text}\n", names.join(", "))?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_texts_has_the_standard_ones() {
        let texts = standard("Zlib OR Apache-2.0 OR MIT").unwrap();
        assert_eq!(texts.len(), 3);
        assert!(texts[1].contains("Apache License"));
        assert!(standard("MPL-2.0").unwrap()[0].contains("Mozilla Public License Version 2.0"));
        assert!(standard("nobody knows").is_err());
    }

    #[test]
    fn the_files_of_a_folder_are_its_texts() {
        let texts = ours(&crate::root()).unwrap();
        assert_eq!(super::texts(&crate::root(), "MIT").unwrap(), texts);
        assert!(texts[0].contains("Apache License") && texts[1].contains("Permission is hereby granted"));
    }
}
