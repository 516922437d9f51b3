//! Interoperability: libraries of others judge our SETs (`tests/interop/`), and receivers of others get them (`tests/receivers/`).

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    Result,
    install::{call, install, read, write},
    run::cargo_alone,
};

const PYTHON: &str = if cfg!(windows) { "python" } else { "python3" };
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// Makes SETs, and has joserfc (Python) and jose (Node.js) verify them. What they need is installed below
/// `target/interop/` once, and again where its versions have changed.
pub(crate) fn run(root: &Path) -> Result {
    let scripts = root.join("tests/interop");
    let work = root.join("target/interop");
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;

    let sets = make_sets(root, &work)?;
    verify_with_joserfc(&scripts, &work, &sets)?;
    verify_with_jose(&scripts, &work, &sets)?;
    cargo_alone(&root.join("tests/receivers"), root)?.run()
}

fn make_sets(root: &Path, work: &Path) -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["run", "--quiet", "--locked", "--package", "ssf-tests", "--bin", "interop-sets"])
        .current_dir(root);
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("interop-sets: {}", output.status).into());
    }
    let sets = work.join("sets.json");
    write(&sets, &output.stdout)?;
    Ok(sets)
}

fn verify_with_joserfc(scripts: &Path, work: &Path, sets: &Path) -> Result {
    let advice = "install Python 3.11 or newer with venv and pip (https://www.python.org/downloads/; on Debian and \
                  Ubuntu the packages python3, python3-venv and python3-pip)";
    let venv = work.join("venv");
    let python = venv.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let requirements = scripts.join("requirements.txt");
    install(&requirements, &venv.join(".installed-from"), &python, || {
        call(Command::new(PYTHON).args(["-m", "venv", "--clear"]).arg(&venv), "python3 -m venv", advice)?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        call(Command::new(&python).args(pip).arg(&requirements), "pip", advice)
    })?;
    call(Command::new(&python).arg(scripts.join("verify.py")).arg(sets), "verify.py", advice)
}

fn verify_with_jose(scripts: &Path, work: &Path, sets: &Path) -> Result {
    let advice = "install Node.js 20 or newer with npm (https://nodejs.org/en/download)";
    // Node.js looks for packages beside the script.
    let folder = work.join("node");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for file in ["package.json", "package-lock.json", "verify.mjs"] {
        write(&folder.join(file), &read(&scripts.join(file))?)?;
    }
    let packages = folder.join("node_modules");
    let jose = packages.join("jose/package.json");
    install(&scripts.join("package-lock.json"), &packages.join(".installed-from"), &jose, || {
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        call(Command::new(NPM).args(arguments).current_dir(&folder).stdout(Stdio::null()), "npm ci", advice)
    })?;
    call(Command::new("node").arg("verify.mjs").arg(sets).current_dir(&folder), "node verify.mjs", advice)
}
