//! Every manifest has the same version, and packages ask for each other in that version.

use std::{fs, path::Path};

use serde_json::Value;
use toml::Table;

use crate::{Result, run::cargo};

pub(crate) const OURS: &str = env!("CARGO_PKG_VERSION");

/// Lines that name the version.
const LINES: &[(&str, &str)] = &[
    ("bindings-python/pyproject.toml", "testing = [\"ssf-transmitter-cli==VERSION\"]"),
    ("bindings-swift/Sources/SSFTransmitterTesting/EmulatorProcess.swift", "let version = \"VERSION\""),
];
/// Manifests of npm, and their dependencies on packages of ours.
const NPM: &[(&str, &str)] =
    &[("bindings-node/package.json", "peerDependencies"), ("cli/npm/package.json", "optionalDependencies")];

pub(crate) fn check(root: &Path) -> Result {
    for (file, line) in LINES {
        let line = line.replace("VERSION", OURS);
        if !fs::read_to_string(root.join(file))?.lines().any(|found| found.trim() == line) {
            return Err(format!("{file} has no line {line}").into());
        }
    }
    for (file, dependencies) in NPM {
        let manifest: Value = serde_json::from_str(&fs::read_to_string(root.join(file))?)?;
        let mut all = manifest[dependencies].as_object().into_iter().flat_map(|all| all.values());
        if manifest["version"] != OURS || all.any(|of| of != OURS) {
            return Err(format!("{file}: version and {dependencies} are not all {OURS}").into());
        }
    }
    let lock: Value =
        serde_json::from_str(&fs::read_to_string(root.join("bindings-node/package-lock.json"))?)?;
    if lock["version"] != OURS || lock["packages"][""]["version"] != OURS {
        return Err(format!("bindings-node/package-lock.json is not of version {OURS}").into());
    }
    crates(root)
}

/// All crates of the workspace, and what the workspace asks for of them.
fn crates(root: &Path) -> Result {
    let metadata: Value =
        serde_json::from_str(&cargo(root, "metadata --locked --format-version 1 --no-deps").output()?)?;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        if package["version"] != OURS {
            return Err(format!("{} has version {}, not {OURS}", package["name"], package["version"]).into());
        }
    }
    let manifest: Table = toml::from_str(&fs::read_to_string(root.join("Cargo.toml"))?)?;
    let dependencies = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    let dependencies =
        dependencies.and_then(toml::Value::as_table).ok_or("Cargo.toml has no dependencies")?;
    for (name, dependency) in dependencies.iter().filter(|(_, of)| of.get("path").is_some()) {
        if dependency.get("version").and_then(toml::Value::as_str) != Some(OURS) {
            return Err(format!("Cargo.toml asks for another version of {name} than {OURS}").into());
        }
    }
    Ok(())
}
