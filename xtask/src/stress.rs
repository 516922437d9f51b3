//! `cargo xtask stress outbox`: the tests of the outbox that kill processes and cut the power, for as many rounds as it
//! is told. `cargo xtask stress memory`: what stays in memory of many emits.

use std::path::Path;

use crate::{Result, postgres, run::cargo};

/// The tests: a package, its test, and further arguments.
const TESTS: &[(&str, &str, &str)] = &[
    ("ssf-tests", "outbox", ""),
    ("ssf-tests", "postgres", ""),
    ("ssf-transmitter-postgres", "plans", ""),
    ("ssf-tests", "power", ""),
    ("ssf-transmitter-store", "store", "damage::"),
    // It mounts file systems, so it is not part of a plain test run.
    ("ssf-transmitter-store", "disk", "--ignored"),
];

pub(crate) fn outbox(root: &Path, rounds: u32) -> Result {
    postgres::install(root)?;
    for (package, test, arguments) in TESTS {
        let line = format!(
            "test -q --locked -p {package} --test {test} -- --nocapture --test-threads=1 {arguments}"
        );
        cargo(root, &line).env("SSF_STRESS_ROUNDS", &rounds.to_string()).run()?;
    }
    println!("\nThe outbox has survived {rounds} rounds.");
    Ok(())
}

pub(crate) fn memory(root: &Path, emits: u32) -> Result {
    if !cfg!(target_os = "linux") {
        return Err("resident memory is read in /proc, as Linux has it".into());
    }
    cargo(root, "bench -q --locked -p ssf-transmitter --bench resident")
        .env("SSF_STRESS_ROUNDS", &emits.to_string())
        .run()
}
