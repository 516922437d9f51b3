//! `cargo xtask surface`: the public API of each language as a text below `api/`, so that a change of it shows in
//! review.

mod rust;

use std::{fs, path::Path, process::Command};

use clap::ValueEnum;

use crate::{
    Result,
    install::{call, write},
    node,
    run::target,
    swift, tools,
};

pub(crate) use rust::as_rustdoc;

/// A language of the library.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub(crate) enum Language {
    Rust,
    Python,
    Typescript,
    Swift,
}

/// Those that need nothing built, for `cargo xtask check`. Swift's needs its package, so its step compares it.
const QUICK: &[Language] = &[Language::Rust, Language::Python, Language::Typescript];

/// What a package offers.
pub(crate) struct Report {
    /// Where the report is committed, below `api/`.
    file: String,
    text: String,
}

impl Report {
    pub(crate) fn new(file: impl Into<String>, text: String) -> Self {
        Self { file: file.into(), text }
    }
}

/// Writes the reports of these languages, or of all.
pub(crate) fn run(root: &Path, languages: &[Language]) -> Result {
    let languages = if languages.is_empty() { Language::value_variants() } else { languages };
    for language in languages {
        for report in language.reports(root)? {
            let file = root.join("api").join(&report.file);
            fs::create_dir_all(file.parent().unwrap_or(root))?;
            write(&file, report.text.as_bytes())?;
            println!("wrote api/{}", report.file);
        }
    }
    Ok(())
}

/// Compares the reports that need nothing built with the committed ones.
pub(crate) fn check_quick(root: &Path) -> Result {
    let mut changed = Vec::new();
    for language in QUICK {
        changed.extend(check(root, *language, &language.reports(root)?).err().map(|error| error.to_string()));
    }
    if changed.is_empty() { Ok(()) } else { Err(changed.join("\n").into()) }
}

/// Compares reports with the committed ones, and shows what has changed.
pub(crate) fn check(root: &Path, language: Language, reports: &[Report]) -> Result {
    let work = target(root).join("surface");
    let mut changed = Vec::new();
    for report in reports {
        let committed = root.join("api").join(&report.file);
        if fs::read_to_string(&committed).is_ok_and(|text| text == report.text) {
            continue;
        }
        let new = work.join(&report.file);
        fs::create_dir_all(new.parent().unwrap_or(&work))?;
        write(&new, report.text.as_bytes())?;
        if committed.exists() {
            show(&committed, &new)?;
        }
        changed.push(format!("api/{}", report.file));
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the public API differs from {}; if it is meant to, run `cargo xtask surface {}` and commit what it writes",
        changed.join(", "),
        language.name()
    )
    .into())
}

/// Prints the lines in which two files differ.
fn show(old: &Path, new: &Path) -> Result {
    let mut diff = Command::new("git");
    diff.args(["--no-pager", "diff", "--no-index", "--unified=1", "--"]).args([old, new]);
    match diff.status() {
        // It fails where files differ.
        Ok(status) if status.code() == Some(1) => Ok(()),
        Ok(status) => Err(format!("git diff: {status}").into()),
        Err(error) => Err(format!("git does not start ({error}); is it installed?").into()),
    }
}

impl Language {
    fn reports(self, root: &Path) -> Result<Vec<Report>> {
        match self {
            Self::Rust => rust::reports(root),
            Self::Python => python(root),
            Self::Typescript => typescript(root),
            Self::Swift => swift::surface(root),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

fn python(root: &Path) -> Result<Vec<Report>> {
    let new = work(root)?.join("python.new");
    let mut griffe = Command::new(tools::programs(root, "surface")?.join("python"));
    griffe.arg(root.join("xtask/surface/python.py")).arg(root.join("bindings-python/python")).arg(&new);
    call(&mut griffe, "python.py", tools::ADVICE)?;
    Ok(vec![Report::new("python.txt", fs::read_to_string(new)?)])
}

fn typescript(root: &Path) -> Result<Vec<Report>> {
    let work = work(root)?;
    let new = work.join("typescript.new");
    node::surface(root, &work.join("typescript"), &new)?;
    Ok(vec![Report::new("typescript.txt", fs::read_to_string(new)?)])
}

fn work(root: &Path) -> Result<std::path::PathBuf> {
    let work = target(root).join("surface");
    fs::create_dir_all(&work)?;
    Ok(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(committed: &str, now: &str) -> std::result::Result<(), String> {
        let name = format!("ssf-surface-{}-{committed}-{now}", std::process::id());
        let root = std::env::temp_dir().join(name);
        fs::create_dir_all(root.join("api")).expect("a folder");
        fs::write(root.join("api/python.txt"), committed).expect("a report");
        let reports = [Report::new("python.txt", now.to_owned())];
        let outcome = check(&root, Language::Python, &reports).map_err(|error| error.to_string());
        fs::remove_dir_all(&root).expect("the folder");
        outcome
    }

    #[test]
    fn a_surface_that_is_committed_passes() {
        assert_eq!(checked("def emit()", "def emit()"), Ok(()));
    }

    #[test]
    fn a_surface_that_has_changed_is_rejected_with_what_to_run() {
        let error = checked("def emit()", "def emit(txn)").expect_err("a change");
        assert!(error.contains("api/python.txt"), "{error}");
        assert!(error.contains("cargo xtask surface python"), "{error}");
    }
}
