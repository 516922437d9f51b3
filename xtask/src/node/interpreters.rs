//! The interpreters that the package is tested on.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{ADVICE, npm};
use crate::{Result, install::write};

/// The line of Node that is tested beside the one that is installed, from the npm packages that hold its binaries.
const OTHER: &str = "24.21.0";
/// What is installed has to be of this line: the oldest that is supported.
const OLDEST: u32 = 20;

/// The npm package that holds the binaries of Node for this machine.
pub(crate) fn binaries_of() -> String {
    let (system, machine) = (env::consts::OS, env::consts::ARCH);
    let system = match system {
        "macos" => "darwin",
        "windows" => "win",
        other => other,
    };
    let machine = match machine {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("node-{system}-{machine}")
}

/// The newer Node.
pub(super) fn other(work: &Path) -> Result<PathBuf> {
    let name = binaries_of();
    let folder = work.join(format!("node-{OTHER}"));
    let program =
        folder.join("node_modules").join(&name).join(if cfg!(windows) { "bin/node.exe" } else { "bin/node" });
    if !program.exists() {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        write(&folder.join("package.json"), b"{ \"private\": true }\n")?;
        npm(&folder, &["install", "--no-save", &format!("{name}@{OTHER}")])?;
    }
    Ok(program)
}

/// The Node on the path, which has to be of the oldest line.
pub(super) fn oldest() -> Result<PathBuf> {
    let program = PathBuf::from("node");
    let found = version(&program)?;
    if found.starts_with(&format!("v{OLDEST}.")) {
        return Ok(program);
    }
    Err(format!("the package is tested on Node {OLDEST}, and {found} is what is installed: {ADVICE}").into())
}

pub(super) fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("--version").output();
    let output = output.map_err(|error| format!("node does not start ({error}): {ADVICE}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
