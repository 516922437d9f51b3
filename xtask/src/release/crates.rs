//! The crates, as the registry will have them: what they contain, and that each builds from it with the locked versions.

use std::path::Path;

use crate::{Result, openssl, package, run::cargo};

pub(super) fn check(root: &Path) -> Result<String> {
    let names = package::contents(root)?;
    // cargo builds each from its package, with the others from a registry of its own. The OpenSSL is the one that is shipped:
    // another one would be compiled for nothing.
    let mut line = "package --quiet --locked --allow-dirty --target-dir target/crates".to_owned();
    line.extend(names.iter().flat_map(|name| [" -p ", *name]));
    let mut variables = openssl::variables(root)?;
    variables.remove("CARGO_TARGET_DIR");
    cargo(root, &line).envs(&variables).run()?;
    Ok(format!("{} build from their packages", names.join(", ")))
}
