//! `cargo xtask test`: the full test suite, from a clean checkout. This is what CI runs.

use std::{env, path::Path, process::Command, time::Instant};

use crate::{
    Package, Result, cli, codegen, demo, deny, dist,
    elf::Library,
    fences, fuzz,
    install::call_together,
    interop, node, package, page, postgres, prose, python,
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
        // With no features of dependencies but those that it asks for. The step `fuzz` compiles it so with its default features.
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
    ("swift", swift::test),
    ("python", python::test),
    ("node", node::test),
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

/// Steps that leave much of a machine idle: two of them run at a time, the longest first.
const TOGETHER: &[&str] = &["swift", "python", "node"];

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
    let together = |name: &str| TOGETHER.contains(&name);
    let (mut failures, mut before) = (Vec::new(), 0);
    for group in steps.chunk_by(|(one, _), (next, _)| together(one) && together(next)) {
        let names: Vec<_> = group.iter().map(|(name, _)| *name).collect();
        let title = names.join(", ");
        println!("\n== {}/{} {title}", before + 1, steps.len());
        before += group.len();
        #[allow(clippy::disallowed_methods, reason = "the ban is the engine's")]
        let began = Instant::now();
        let ended = match group {
            [(_, step)] => step(root),
            _ => run_together(&names),
        };
        match ended {
            Ok(()) => println!("== {title}: passed in {} s", began.elapsed().as_secs()),
            Err(error) if keep_going => {
                eprintln!("xtask: {title}: {error}");
                failures.push(title);
            }
            Err(error) => return Err(format!("{title}: {error}").into()),
        }
    }
    if !failures.is_empty() {
        return Err(format!("failed: {}", failures.join(", ")).into());
    }
    println!("\n{} steps passed.", steps.len());
    Ok(())
}

/// Each in a process of its own, whose output is printed when it has ended.
fn run_together(names: &[&str]) -> Result {
    // By the name that it was started with: the builds of the steps may replace the file of this process.
    let program = env::args_os().next().ok_or("the name of this program is unknown")?;
    let command = |name: &&str| {
        let mut command = Command::new(&program);
        command.args(["test", *name]);
        ((*name).to_owned(), command)
    };
    call_together(names.iter().map(command).collect(), 2, "it was built just now")
}
