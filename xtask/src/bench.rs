//! `cargo xtask bench`: runs the benchmarks and prints what counts, as ratios within the run.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    Result,
    install::install,
    postgres,
    run::{cargo, program},
};

const ALGORITHMS: &[&str] = &["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"];

pub(crate) fn run(root: &Path) -> Result {
    cargo(root, "bench --locked -p ssf-transmitter --bench sign").run()?;

    println!("\nalgorithm  raw signature  build + sign  rate, raw = 1");
    for algorithm in ALGORITHMS {
        let raw = nanoseconds(root, &format!("{algorithm}/raw"))?;
        let whole = nanoseconds(root, &format!("{algorithm}/build+sign"))?;
        println!("{algorithm:<9}  {:>10.1} µs  {:>9.1} µs  {:.3}", raw / 1e3, whole / 1e3, raw / whole);
    }
    for dialect in ["ssf-1.0", "okta"] {
        let build = nanoseconds(root, &format!("build/{dialect}"))?;
        println!("everything but the signature, dialect {dialect}: {:.1} µs", build / 1e3);
    }
    println!();
    cargo(root, "bench -q --locked -p ssf-transmitter --bench emit").run()
}

/// The outbox: the rates of the store, what a claim costs by how much waits, and a drain against `emit_all`.
pub(crate) fn outbox(root: &Path) -> Result {
    let folder = root.join("target/bench-outbox");
    fs::create_dir_all(&folder)?;
    let place = folder.display().to_string();
    let example = "run -q --release --locked -p ssf-transmitter-store --example";
    cargo(root, &format!("{example} rates -- {place} 1000000")).run()?;
    println!("\ninstructions of a claim of 50, by how much waits");
    let small = instructions(root, &folder, 10_000)?;
    let large = instructions(root, &folder, 1_000_000)?;
    postgres::install(root)?;
    println!("a hundred times as much waits, and a claim costs {:.2} times as much\n", large / small);
    cargo(root, "bench -q --locked -p ssf-tests --bench drain").env("SSF_BENCH_FOLDER", &place).run()
}

/// Streams: polls, management, an event for many streams, and polls that wait; and events beside Keycloak.
pub(crate) fn streams(root: &Path) -> Result {
    let folder = root.join("target/bench-streams");
    fs::create_dir_all(&folder)?;
    let place = folder.display().to_string();
    let bench = "bench -q --locked -p ssf-tests --bench streams";
    postgres::install(root)?;
    cargo(root, bench).run()?;
    cargo(root, bench).env("SSF_BENCH_STORE", "sqlite").env("SSF_BENCH_FOLDER", &place).run()?;
    cargo(root, bench).env("SSF_BENCH_STORE", "postgres").run()?;
    let keycloak = keycloak(root, &root.join("target/bench-keycloak"))?;
    let others = "bench -q --locked -p ssf-tests --bench transmitters";
    cargo(root, others).env("SSF_BENCH_KEYCLOAK", &keycloak.display().to_string()).run()
}

/// Unpacks Keycloak into this folder, unless it is there, and returns where it is.
fn keycloak(root: &Path, folder: &Path) -> Result<PathBuf> {
    let pom = root.join("tests/benches/transmitters/keycloak/pom.xml");
    install(&pom, &folder.join("installed-from"), &unpacked(folder).unwrap_or_default(), || {
        drop(fs::remove_dir_all(folder));
        let line = format!("-q -B -f {} prepare-package -Dfolder={}", pom.display(), folder.display());
        program(root, "mvn", &line).hint("install Maven and Java 17 or later").run()
    })?;
    unpacked(folder).ok_or_else(|| format!("{}: no Keycloak", folder.display()).into())
}

/// The one folder of a distribution.
fn unpacked(folder: &Path) -> Option<PathBuf> {
    let found = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    found.into_iter().find(|path| path.join("bin/kc.sh").exists())
}

/// The instructions of a claim from a file in which so many deliveries wait, as valgrind counts them.
fn instructions(root: &Path, folder: &Path, waiting: u32) -> Result<f64> {
    const CLAIMS: u32 = 100;
    let file = folder.join(format!("claims-{waiting}.db"));
    drop(fs::remove_file(&file));
    let file = file.display();
    let example = "run -q --release --locked -p ssf-transmitter-store --example claims --";
    cargo(root, &format!("{example} {file} fill {waiting}")).run()?;
    let counted = |times: u32| -> Result<f64> {
        let tool = "--tool=callgrind --callgrind-out-file=/dev/null";
        let line = format!("{tool} {} {file} claim {times}", example_path(root));
        let told = program(root, "valgrind", &line).hint("install valgrind").errors()?;
        let collected = told.lines().find_map(|line| line.split_once("Collected : "));
        Ok(collected.ok_or("valgrind has counted nothing")?.1.trim().parse()?)
    };
    let each = (counted(CLAIMS)? - counted(0)?) / f64::from(CLAIMS);
    println!("{waiting:>9} waiting: {each:>12.0}");
    fs::remove_file(folder.join(format!("claims-{waiting}.db")))?;
    Ok(each)
}

/// Where cargo has put the example.
fn example_path(root: &Path) -> String {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("release/examples/claims").display().to_string()
}

/// The median that criterion wrote down.
fn nanoseconds(root: &Path, id: &str) -> Result<f64> {
    let path = root.join("target/criterion").join(id).join("new/estimates.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let estimates: Value = serde_json::from_str(&text)?;
    estimates["median"]["point_estimate"]
        .as_f64()
        .ok_or_else(|| format!("{}: no median", path.display()).into())
}
