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
        // Without optimization: that takes longer than all that it does here.
        let line = format!("install cargo-deny --version {VERSION} --locked --debug --quiet --root {tools}");
        cargo(root, &line).run()?;
    }
    // What we depend on, and what the OpenSSL that is shipped is built from.
    ["Cargo.toml", "xtask/openssl/Cargo.toml"].iter().try_for_each(|manifest| {
        let line = format!(
            "--log-level error --config deny.toml --manifest-path {manifest} check bans licenses sources"
        );
        program(root, &binary.to_string_lossy(), &line).run()
    })
}
