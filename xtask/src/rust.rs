//! The tests in Rust: those of the whole workspace. Two programs run at a time, since many of their tests wait.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{Result, install::call_together, postgres, run::cargo};

const BUILD: &str = "test --workspace --locked --no-run";
const AT_ONCE: usize = 2;

pub(crate) fn test(root: &Path) -> Result {
    postgres::install(root)?;
    cargo(root, BUILD).run()?;
    let built = cargo(root, &format!("{BUILD} --message-format json")).output()?;
    let programs = built.lines().filter_map(|line| program(&serde_json::from_str(line).ok()?));
    call_together(
        programs.map(|(name, path, folder)| (name, command(&path, &folder))).collect(),
        AT_ONCE,
        "it was built just now",
    )?;
    cargo(root, "test --workspace --locked --doc").run()
}

/// The program with tests that a message of cargo names, and the folder of its package.
fn program(message: &Value) -> Option<(String, PathBuf, PathBuf)> {
    let path = PathBuf::from(message["executable"].as_str()?);
    let package = Path::new(message["manifest_path"].as_str()?).parent()?;
    let source = Path::new(message["target"]["src_path"].as_str()?);
    let name = source.strip_prefix(package.parent()?).unwrap_or(source).display().to_string();
    message["profile"]["test"].as_bool()?.then(|| (name, path, package.to_owned()))
}

/// It runs where cargo runs it.
fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("CARGO_MANIFEST_DIR", folder);
    command
}
