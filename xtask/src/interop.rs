//! Placeholder until the interoperability run lands.

use std::path::Path;

use crate::Result;

pub(crate) fn run(_root: &Path) -> Result {
    Ok(())
}
