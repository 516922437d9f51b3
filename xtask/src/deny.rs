//! Licences, banned crates and sources of what we depend on, by cargo-deny and `deny.toml`.

use std::path::Path;

use crate::{
    Result,
    run::{cargo, program},
};

const VERSION: &str = "0.20.2";

pub(crate) fn run(root: &Path) -> Result {
    // Installed for the project, once per version: what the machine has may be another one.
    let tools = format!("target/tools/cargo-deny-{VERSION}");
    let binary = root.join(&tools).join("bin/cargo-deny");
    if !binary.exists() {
        cargo(root, &format!("install cargo-deny --version {VERSION} --locked --quiet --root {tools}"))
            .run()?;
    }
    program(root, &binary.to_string_lossy(), "--log-level error check bans licenses sources").run()
}
