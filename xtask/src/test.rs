//! `cargo xtask test`: the full test suite, from a clean checkout. This is what CI runs.

use std::{path::Path, time::Instant};

use crate::{
    Package, Result, cli, codegen, demo, deny, dist,
    elf::Library,
    fences, fuzz, interop, node, openssl, package, page, postgres, prose, python,
    run::{build, cargo, cargo_alone, example},
    runtimes, rust, surface, swift,
    target::Target,
    tools,
};

type Step = fn(&Path) -> Result;

/// What is run, in this order: the quick and telling things first.
const STEPS: &[(&str, Step)] = &[
    ("codegen", |root| codegen::run(root, true)),
    ("format", |root| cargo(root, "fmt --all --check").hint("run `rustup component add rustfmt`").run()),
    ("lint", |root| {
        cargo(root, "clippy --workspace --all-targets --locked -- -D warnings")
            .hint("run `rustup component add clippy`")
            .run()?;
        // Alone it has no features but those that it asks for.
        cargo(root, "clippy -p ssf-transmitter --locked -- -D warnings").run()?;
        cargo(root, "clippy -p ssf-transmitter --no-default-features --locked -- -D warnings").run()
    }),
    ("fences", fences::run),
    ("prose", prose::run),
    ("surface", surface::check_quick),
    ("workflows", tools::lint_workflows),
    ("rust", rust::test),
    ("sqlx", |root| {
        postgres::install(root)?;
        cargo_alone(&root.join("tests/sqlx"), root)?.run()
    }),
    ("fuzz", fuzz::test),
    ("package", package::run),
    ("openssl", openssl::test),
    ("documentation", |root| {
        cargo(root, "doc --workspace --no-deps --locked").env("RUSTDOCFLAGS", "-D warnings").run()
    }),
    ("examples", |root| {
        build(root)?;
        ["quickstart", "own_dialect", "external_signer", "outbox"]
            .iter()
            .try_for_each(|name| example(root, name))
    }),
    ("interop", interop::run),
    ("python", python::test),
    ("node", node::test),
    ("swift", swift::test),
    ("dependencies", deny::run),
    ("demo", demo::run),
    ("linkage", |root| {
        // A binary has to run on a machine without OpenSSL.
        if !cfg!(target_os = "linux") {
            return Err("the step linkage needs Linux".into());
        }
        let libraries = Library::open(&cli::program(root))?.needed;
        match libraries.iter().find(|name| name.starts_with("libssl") || name.starts_with("libcrypto")) {
            Some(name) => Err(format!("the command ssf needs {name}").into()),
            None => Ok(()),
        }
    }),
];

/// What takes too long for every change.
const FULL: &[(&str, Step)] = &[
    ("runtimes", runtimes::run),
    ("page", page::test),
    ("dist", |root| {
        let packages = [Package::Cli, Package::Python, Package::Node];
        Target::linux().try_for_each(|target| packages.iter().try_for_each(|of| dist(root, *of, target)))
    }),
];

/// The steps of `cargo xtask check`: what takes less than a minute when little has changed.
pub(crate) const QUICK: &[&str] = &["codegen", "format", "fences", "prose", "lint", "surface"];

/// Runs the steps whose names are given, or all of them: with those that take long, if it is to be `full`.
pub(crate) fn run(root: &Path, names: &[impl AsRef<str>], full: bool, keep_going: bool) -> Result {
    let all = || STEPS.iter().chain(FULL);
    if let Some(name) = names.iter().map(AsRef::as_ref).find(|name| all().all(|(step, _)| step != name)) {
        let known: Vec<_> = all().map(|(step, _)| *step).collect();
        return Err(format!("there is no step {name:?}; the steps are: {}", known.join(", ")).into());
    }
    let steps: Vec<_> = match (names, full) {
        ([], true) => all().collect(),
        ([], false) => STEPS.iter().collect(),
        _ => all().filter(|(step, _)| names.iter().any(|name| name.as_ref() == *step)).collect(),
    };
    let mut failures = Vec::new();
    for (number, (name, step)) in (1..).zip(&steps) {
        println!("\n== {number}/{} {name}", steps.len());
        #[allow(clippy::disallowed_methods, reason = "the ban is the engine's")]
        let began = Instant::now();
        match step(root) {
            Ok(()) => println!("== {name}: passed in {} s", began.elapsed().as_secs()),
            Err(error) if keep_going => {
                eprintln!("xtask: {name}: {error}");
                failures.push(*name);
            }
            Err(error) => return Err(format!("{name}: {error}").into()),
        }
    }
    if !failures.is_empty() {
        return Err(format!("failed: {}", failures.join(", ")).into());
    }
    println!("\n{} steps passed.", steps.len());
    Ok(())
}
