//! `cargo xtask release --check`: whether this checkout, and what is in `target/dist/`, can be released.

mod changelog;
mod contents;
mod crates;
mod supported;
pub(crate) mod versions;

use std::{collections::BTreeMap, fs, path::Path};

use crate::{
    Result,
    bill::{Artefact, Bill},
    deny,
    install::write,
    target::{System, Target},
    tools,
};

/// What is asked of a release.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Check what would be released: this checkout, and the packages in `target/dist/`.
    #[arg(long, required = true)]
    check: bool,
    /// Fail unless `target/dist/` has the packages for every platform.
    #[arg(long)]
    all: bool,
    /// The tag of the release, which has to name the version.
    #[arg(long)]
    tag: Option<String>,
    /// Write the entry of the changelog into this file.
    #[arg(long, value_name = "FILE")]
    notes: Option<String>,
}

/// Runs all checks, and fails if one does.
pub(crate) fn run(root: &Path, options: &Options) -> Result {
    let bills = bills(root);
    let mut failed = Vec::new();
    let mut report = |name: &str, outcome: Result<String>| match outcome {
        Ok(said) => println!("{name}: {said}"),
        Err(error) => {
            eprintln!("{name}: FAILED: {error}");
            failed.push(name.to_owned());
        }
    };
    report("versions", versions::check(root).map(|()| format!("all manifests say {}", versions::OURS)));
    report("changelog", changelog(root, options));
    report("workflows", tools::lint_workflows(root).map(|()| "zizmor has no findings".to_owned()));
    report("licences", deny::run(root).map(|()| "cargo-deny allows all".to_owned()));
    match bills {
        Ok(bills) => {
            report("bundled", supported::check(&bills));
            report("bills", validate(root, &bills));
            report("packages", contents::check(root, &bills, options.all));
        }
        Err(error) => report("bills", Err(error)),
    }
    report("crates", crates::check(root));
    if failed.is_empty() { Ok(()) } else { Err(format!("not to be released: {}", failed.join(", ")).into()) }
}

/// The bills of all artefacts, by the names of their SBOMs.
type Bills = BTreeMap<String, (Artefact, &'static Target, Bill)>;

fn bills(root: &Path) -> Result<Bills> {
    let mut bills = Bills::new();
    for target in Target::all() {
        for artefact in Artefact::ALL {
            if artefact != Artefact::Swift || target.system == System::MacOs {
                bills.insert(artefact.sbom(target), (artefact, target, Bill::read(root, artefact, target)?));
            }
        }
    }
    Ok(bills)
}

/// Writes the bills, which fails where a licence is unknown, and validates the SBOMs.
fn validate(root: &Path, bills: &Bills) -> Result<String> {
    let files = bills.values().map(|(_, _, bill)| Ok(bill.write(root)?.sbom)).collect::<Result<Vec<_>>>()?;
    tools::validate(root, &files)?;
    Ok(format!("{} artefacts have their licences, and SBOMs of CycloneDX 1.6", files.len()))
}

fn changelog(root: &Path, options: &Options) -> Result<String> {
    if let Some(tag) = options.tag.as_deref().filter(|tag| tag.strip_prefix('v') != Some(versions::OURS)) {
        return Err(format!("the tag {tag} is not v{}", versions::OURS).into());
    }
    let entry = changelog::entry(&fs::read_to_string(root.join("CHANGELOG.md"))?, versions::OURS)?.to_owned();
    if let Some(notes) = &options.notes {
        write(&root.join(notes), entry.as_bytes())?;
    }
    Ok(format!("{} lines about {}", entry.lines().count(), versions::OURS))
}
