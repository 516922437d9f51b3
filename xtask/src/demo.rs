//! `cargo xtask demo`: the main job on real input.

use std::path::Path;

use crate::{Result, run::cargo};

pub(crate) fn run(root: &Path) -> Result {
    // The receivers of the demo are processes of the command `ssf`.
    cargo(root, "build -q --locked -p ssf-cli --bin ssf").run()?;
    cargo(root, "run -q --locked -p ssf-examples --example demo").run()
}
