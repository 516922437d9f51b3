//! The crates as they are published: what is in them, and that the tests of the core run without the repository around them.

use std::{collections::BTreeSet, env, fs, path::Path};

use crate::{
    Result,
    install::clear,
    openssl,
    run::{cargo, profile, program},
};

/// What every package has: what cargo writes, and what the registry shows.
const EVERYWHERE: &[&str] =
    &["Cargo.lock", "Cargo.toml", "Cargo.toml.orig", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];
/// The crates, and what each has beyond that.
const CRATES: &[(&str, &[&str])] = &[
    ("ssf-transmitter", &["benches", "catalogue", "docs", "src", "tests"]),
    ("ssf-transmitter-store", &["examples", "src", "tests"]),
    ("ssf-transmitter-postgres", &["examples", "src", "tests"]),
    ("ssf-transmitter-tower", &["examples", "src", "tests"]),
    ("ssf-emulator", &["src"]),
    ("ssf-cli", &["src"]),
];
/// The one that is no library.
const PROGRAM: &str = "ssf-cli";
/// Pages for contributors; the others are in every package.
const FOR_CONTRIBUTORS: &[&str] = &["adding-an-event.md", "architecture.md"];
/// Where the Python package links to these others.
const PYTHON: &str = "bindings-python/python/ssf_transmitter/docs";
/// Where the revision is, if the checkout is clean.
const REVISION: &str = ".cargo_vcs_info.json";
/// What cargo takes from the package by itself, but nobody needs.
const UNWANTED: &[&str] = &["docs/adr", "docs/images"];

/// Packages the crates below `target/crates/`, checks what they contain, and runs the tests of the core there.
pub(crate) fn run(root: &Path) -> Result {
    contents(root)?;
    test(root, &root.join("target/crates"))
}

/// Packages the crates, checks what they contain, and returns their names.
pub(crate) fn contents(root: &Path) -> Result<Vec<&'static str>> {
    links(root)?;
    let work = root.join("target/crates");
    clear(&work)?;
    // Their tests verify them. Cargo's own verification would build OpenSSL once more, in a folder of its own.
    let mut line = "package --quiet --locked --no-verify --allow-dirty --target-dir target/crates".to_owned();
    for (name, _) in CRATES {
        line.extend([" -p ", name]);
    }
    cargo(root, &line).run()?;
    for (name, content) in CRATES {
        let folder = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
        // With the time of now: packages have one time for all files and for ever, by which cargo would take what it has built of an
        // earlier package for this one.
        program(&work, "tar", &format!("-xmzf package/{folder}.crate")).run()?;
        check(&work.join(folder), content)?;
    }
    Ok(CRATES.iter().map(|(name, _)| *name).collect())
}

/// The crates that are libraries.
pub(crate) fn libraries() -> Vec<&'static str> {
    CRATES.iter().map(|(name, _)| *name).filter(|name| *name != PROGRAM).collect()
}

/// The pages of `docs/` that packages contain: texts of the library name them.
pub(crate) fn pages(root: &Path) -> Result<BTreeSet<String>> {
    let mut pages = files(&root.join("docs"))?;
    pages.retain(|name| {
        Path::new(name).extension().is_some_and(|extension| extension == "md")
            && !FOR_CONTRIBUTORS.contains(&&**name)
    });
    Ok(pages)
}

fn files(folder: &Path) -> Result<BTreeSet<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// Each page is in the Python package, and links only to pages that are in all packages.
fn links(root: &Path) -> Result {
    let pages = pages(root)?;
    if files(&root.join(PYTHON))? != pages {
        return Err(format!("{PYTHON} does not link to the pages of docs/ that are for users").into());
    }
    for page in &pages {
        let text = fs::read_to_string(root.join("docs").join(page))?;
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let mut files = targets.filter(|target| !target.is_empty() && !target.contains("://"));
        if let Some(target) = files.find(|target| !pages.contains(*target)) {
            return Err(format!("docs/{page} links to {target}, which packages do not contain").into());
        }
    }
    Ok(())
}

/// Compares what is in a package with what belongs there.
fn check(folder: &Path, content: &[&str]) -> Result {
    let wanted: BTreeSet<_> = EVERYWHERE.iter().chain(content).map(|name| (*name).to_owned()).collect();
    let mut found = files(folder)?;
    found.remove(REVISION);
    found.extend(UNWANTED.iter().filter(|name| folder.join(name).exists()).map(|name| (*name).to_owned()));
    if found == wanted {
        return Ok(());
    }
    let differing: Vec<_> = found.symmetric_difference(&wanted).cloned().collect();
    Err(format!("{}: missing, or not to be published: {}", folder.display(), differing.join(", ")).into())
}

/// Runs the tests of the unpacked core, with the OpenSSL that is shipped: keys, their end, and signatures, too. The step `rust` has
/// run all of them, with that of plain builds.
fn test(root: &Path, work: &Path) -> Result {
    let unpacked = work.join(format!("ssf-transmitter-{}", env!("CARGO_PKG_VERSION")));
    let (profile, shipped) = (profile(root)?, openssl::variables(root)?);
    // All tests have to compile; run are those that read files, or use OpenSSL directly.
    let runs = [
        "test --no-run",
        "test --test engine --test memory --test shared",
        "test --test client doctor::",
        "test --doc -- Readme Guide",
    ];
    runs.iter().try_for_each(|tests| {
        cargo(&unpacked, &format!("--config {profile} --quiet --locked {tests}")).envs(&shipped).run()
    })
}
