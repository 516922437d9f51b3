//! `cargo xtask demo`: the main job on real input.

use std::path::Path;

use crate::{
    Result,
    run::{build, example},
};

pub(crate) fn run(root: &Path) -> Result {
    // The receivers of the demo are processes of the command `ssf`.
    build(root)?;
    example(root, "demo")
}
