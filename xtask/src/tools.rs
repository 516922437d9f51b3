//! Tools from `PyPI`. `xtask/release/requirements.txt` has zizmor for the workflows and the schema of SBOMs, and
//! `xtask/surface/requirements.txt` what reads the public API of the Python package.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    install::{call, install},
};

pub(crate) const ADVICE: &str = "install Python 3 with venv and pip (https://www.python.org/downloads/)";

/// Lints the workflows. What would ask GitHub is left out.
pub(crate) fn lint_workflows(root: &Path) -> Result {
    let mut zizmor = Command::new(programs(root, "release")?.join("zizmor"));
    zizmor.current_dir(root).args(["--offline", "--no-progress", "--quiet", ".github/workflows"]);
    call(&mut zizmor, "zizmor", ADVICE)
}

/// Validates SBOMs.
pub(crate) fn validate(root: &Path, files: &[PathBuf]) -> Result {
    let mut python = Command::new(programs(root, "release")?.join("python"));
    call(python.arg(root.join("xtask/release/validate.py")).args(files), "validate.py", ADVICE)
}

/// The folder of the programs that `xtask/NAME/requirements.txt` lists, after they were installed.
pub(crate) fn programs(root: &Path, name: &str) -> Result<PathBuf> {
    let list = root.join("xtask").join(name).join("requirements.txt");
    let folder = root.join("target/tools");
    let venv = folder.join(name);
    let programs = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    install(&list, &folder.join(format!("{name}.installed-from")), &programs, || {
        let mut make = Command::new("python3");
        call(make.args(["-m", "venv", "--clear"]).arg(&venv), "python3 -m venv", ADVICE)?;
        let mut pip = Command::new(programs.join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        call(pip.arg(&list), "pip", ADVICE)
    })?;
    Ok(programs)
}
