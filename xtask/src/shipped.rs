//! How releases are compiled, for each platform.

use std::path::{Path, PathBuf};

use crate::{
    Result,
    openssl::{self, Variables},
    run::program,
    target::Target,
    zig,
};

/// What makes cargo build for a platform as it is released. What that needs is installed once: Rust's standard library,
/// zig, and OpenSSL, which is built here.
pub(crate) fn variables(root: &Path, target: &Target) -> Result<Variables> {
    if let Some(triple) = target.cross() {
        standard_library(root, triple)?;
    }
    let mut variables = target.variables();
    variables.extend(zig::variables(root, target)?);
    let openssl = openssl::variables_for(root, target.cross(), &variables)?;
    variables.extend(openssl);
    Ok(variables)
}

/// Where cargo puts what it builds with the variables.
pub(crate) fn folder(root: &Path, target: &Target) -> PathBuf {
    openssl::folder(root).join(target.cross().unwrap_or_default()).join("release")
}

/// Installs Rust's standard library for a platform, unless it is installed.
fn standard_library(root: &Path, triple: &str) -> Result {
    let folder = program(root, "rustc", &format!("--print target-libdir --target {triple}")).output()?;
    if Path::new(folder.trim()).exists() {
        return Ok(());
    }
    let hint = "install Rust's standard library for this target";
    program(root, "rustup", &format!("target add {triple}")).hint(hint).run()
}
