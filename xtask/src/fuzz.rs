//! `cargo xtask fuzz`: the targets of `tests/fuzz` under libFuzzer, for a time each.
//!
//! On the toolchain that builds releases: libFuzzer needs the coverage that `SANCOV` asks LLVM for, and no sanitizer.

mod log;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use crate::{
    Result,
    openssl::{self, Variables},
    run::{cargo, cargo_alone, host, profile, target},
};
use log::Log;

/// Where a branch goes, and what it compares: the passes of cargo-fuzz.
const SANCOV: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// An input that takes longer is a fault. To derive a key from a password may take seconds, on a machine that is busy.
const SLOW: &str = "-timeout=30";
/// A target that takes more memory, in megabytes, is a fault: scrypt may take a gigabyte.
const LARGE: &str = "-rss_limit_mb=2500";

/// How long each target is fuzzed, unless it is told otherwise.
const SHORT: Duration = Duration::from_mins(1);
const LONG: Duration = Duration::from_mins(10);

/// Runs each target once over its seeds, without libFuzzer: so the targets compile, and what they once found stays
/// found.
pub(crate) fn test(root: &Path) -> Result {
    cargo_alone(&workspace(root), root)?.run()
}

/// Fuzzes the targets with these names, or all of them, as many at once as there are processors.
pub(crate) fn run(root: &Path, names: &[String], short: bool) -> Result {
    let names = chosen(root, names)?;
    let work = target(root).join("fuzz");
    let shipped = openssl::variables(root)?;
    let seeds = work.join("seeds");
    let line = format!("--config {} run -q --locked --example seeds -- {}", profile(root)?, seeds.display());
    cargo(&workspace(root), &line).envs(&shipped).run()?;
    let programs = build(root, &work, shipped)?;

    let time = if short { SHORT } else { LONG };
    println!("\n{} targets, {} s each", names.len(), time.as_secs());
    println!("{}", Log::TITLE);
    let queue = Mutex::new(names.into_iter());
    let failed = Mutex::new(Vec::new());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(name) = next() {
                    match fuzz(&programs, &work, &name, time) {
                        Ok(log) => println!("{}", log.line(&name)),
                        Err(error) => failed
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .push(format!("{name}: {error}")),
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner).as_slice() {
        [] => Ok(()),
        failed => Err(failed.join("\n").into()),
    }
}

fn workspace(root: &Path) -> PathBuf {
    root.join("tests/fuzz")
}

/// The targets with these names, or all: each is a program in `fuzz_targets/`.
fn chosen(root: &Path, names: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(workspace(root).join("fuzz_targets"))? {
        all.extend(entry?.path().file_stem().map(|name| name.to_string_lossy().into_owned()));
    }
    all.sort();
    match names.iter().find(|name| !all.contains(name)) {
        Some(name) => Err(format!("there is no target {name:?}; the targets are: {}", all.join(", ")).into()),
        None if names.is_empty() => Ok(all),
        None => Ok(names.to_vec()),
    }
}

/// Builds the targets with libFuzzer, and returns where they are. With `--target`, build scripts are not instrumented.
fn build(root: &Path, work: &Path, shipped: Variables) -> Result<PathBuf> {
    let (host, folder) = (host(root)?, work.join("build"));
    let line = format!("build --release --locked --features engine --bins --target {host}");
    let mut variables = shipped;
    variables.insert("CARGO_TARGET_DIR".to_owned(), folder.display().to_string());
    variables.insert("RUSTFLAGS".to_owned(), SANCOV.to_owned());
    cargo(&workspace(root), &line).envs(&variables).hint("libFuzzer needs a C++ compiler").run()?;
    Ok(folder.join(host).join("release"))
}

/// Fuzzes one target. What it finds new is kept in `corpus/`, and is where the next run begins; what fails goes to
/// `found/`.
fn fuzz(programs: &Path, work: &Path, name: &str, time: Duration) -> Result<Log> {
    let [corpus, found, logs] = ["corpus", "found", "logs"].map(|folder| work.join(folder));
    let (corpus, found) = (corpus.join(name), found.join(name));
    for folder in [&corpus, &found, &logs] {
        fs::create_dir_all(folder)?;
    }
    let file = logs.join(name);
    let status = Command::new(programs.join(name))
        .args([SLOW, LARGE, "-print_final_stats=1"])
        .arg(format!("-max_total_time={}", time.as_secs()))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg(format!("-dict={}", work.join("seeds/dictionary").display()))
        .args([&corpus, &work.join("seeds").join(name)])
        .env("SSL_CERT_FILE", work.join("seeds/authority.pem"))
        .stdout(Stdio::null())
        .stderr(fs::File::create(&file)?)
        .status()?;
    let log = fs::read(&file)?;
    if status.success() {
        return Log::read(&String::from_utf8_lossy(&log))
            .ok_or_else(|| format!("{}: libFuzzer has not said how it went", file.display()).into());
    }
    Err(format!(
        "{status}; the log is {}, the input in {}: it belongs into tests/fuzz/found/{name}/ with the fix",
        file.display(),
        found.display()
    )
    .into())
}
