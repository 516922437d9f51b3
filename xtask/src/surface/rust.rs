//! The public API of the crates, from the JSON of rustdoc.

use std::{
    env,
    ffi::OsStr,
    path::Path,
    process::{Command, ExitCode},
};

use public_api::Builder;

use super::Report;
use crate::{
    Result, package,
    run::{cargo, program, target},
};

/// The toolchain of the reports: each writes the JSON, and what it derives, in its own way.
const TOOLCHAIN: &str = env!("CARGO_PKG_RUST_VERSION");
/// The program that rustdoc is, for a task that cargo runs as rustdoc.
const RUSTDOC: &str = "SSF_RUSTDOC";
/// Lints are another step's.
const FLAGS: &str = "-Zunstable-options --output-format=json --cap-lints=allow";

pub(super) fn reports(root: &Path) -> Result<Vec<Report>> {
    toolchain(root)?;
    let libraries = package::libraries();
    let packages: String = libraries.iter().flat_map(|name| [" -p ", name]).collect();
    let rustdoc = env::var("RUSTDOC").unwrap_or_else(|_| "rustdoc".to_owned());
    cargo(root, &format!("doc --quiet --no-deps --lib --locked{packages}"))
        .env("RUSTDOC", &env::current_exe()?.to_string_lossy())
        .env(RUSTDOC, &rustdoc)
        .env("RUSTDOCFLAGS", FLAGS)
        .run()?;
    libraries.iter().map(|name| report(root, name)).collect()
}

fn toolchain(root: &Path) -> Result {
    let found =
        program(root, &env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()), "--version").output()?;
    if found.starts_with(&format!("rustc {TOOLCHAIN}.")) {
        return Ok(());
    }
    Err(format!(
        "the crates' public API is read with Rust {TOOLCHAIN}, and this is {}: run `cargo +{TOOLCHAIN} xtask …`",
        found.trim()
    )
    .into())
}

fn report(root: &Path, name: &str) -> Result<Report> {
    let json = target(root).join("doc").join(format!("{}.json", name.replace('-', "_")));
    // What every type has says nothing of one.
    let api = Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .map_err(|error| format!("{}: {error}", json.display()))?;
    Ok(Report::new(format!("rust/{name}.txt"), api.to_string()))
}

/// Runs rustdoc, if cargo runs this program as rustdoc: stable Rust writes JSON if `RUSTC_BOOTSTRAP` is set, and for
/// the whole of cargo it would have the dependencies compiled again.
pub(crate) fn as_rustdoc() -> Option<ExitCode> {
    let rustdoc = env::var_os(RUSTDOC)?;
    Some(if documented(&rustdoc) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn documented(rustdoc: &OsStr) -> bool {
    let mut command = Command::new(rustdoc);
    command.args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1");
    command.status().is_ok_and(|status| status.success())
}
