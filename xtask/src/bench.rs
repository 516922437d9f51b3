//! `cargo xtask bench`: runs the benchmarks and prints what counts, as ratios within the run.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{Result, run::cargo};

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

/// The median that criterion wrote down.
fn nanoseconds(root: &Path, id: &str) -> Result<f64> {
    let path = root.join("target/criterion").join(id).join("new/estimates.json");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let estimates: Value = serde_json::from_str(&text)?;
    estimates["median"]["point_estimate"]
        .as_f64()
        .ok_or_else(|| format!("{}: no median", path.display()).into())
}
