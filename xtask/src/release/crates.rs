//! The crates, as the registry will have them: what they contain, and that each builds from it with the locked
//! versions.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use crate::{Result, openssl, package, run::cargo};

pub(super) fn check(root: &Path) -> Result<String> {
    let names = package::contents(root)?;
    let metadata: Value =
        serde_json::from_str(&cargo(root, "metadata --locked --format-version 1 --no-deps").output()?)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let published = packages.filter(|package| package["publish"].is_null());
    let published: BTreeSet<_> = published.filter_map(|package| package["name"].as_str()).collect();
    if published != names.iter().copied().collect() {
        return Err(
            format!("the workspace publishes {published:?}, and not the crates that are checked").into()
        );
    }
    // cargo builds each from its package, with the others from a registry of its own. The OpenSSL is the one that is
    // shipped: another one would be compiled for nothing.
    let mut line = "package --quiet --locked --allow-dirty --target-dir target/crates".to_owned();
    line.extend(names.iter().flat_map(|name| [" -p ", *name]));
    let mut variables = openssl::variables(root)?;
    variables.remove("CARGO_TARGET_DIR");
    cargo(root, &line).envs(&variables).run()?;
    Ok(format!("{} build from their packages", names.join(", ")))
}
