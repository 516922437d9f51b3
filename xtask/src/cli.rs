//! The command `ssf`, which is the emulator too: built for the tests of the languages, and released as a wheel and as npm
//! packages.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    Result, glibc,
    install::{call, clear, write},
    node::NPM,
    openssl, python,
    run::{cargo, program as run, target},
};

/// Builds the command for the tests.
pub(crate) fn build(root: &Path) -> Result {
    cargo(root, "build --locked -p ssf-cli --bin ssf").run()
}

/// Where the command of the tests is.
pub(crate) fn program(root: &Path) -> PathBuf {
    target(root).join("debug").join(name())
}

fn name() -> String {
    format!("ssf{}", env::consts::EXE_SUFFIX)
}

/// Builds what is released, the wheel and the npm packages for this machine, with one program in all of them, and puts them
/// into `target/dist/cli/` when they work as they are installed.
pub(crate) fn dist(root: &Path) -> Result {
    let (work, released) = (root.join("target/cli"), root.join("target/dist/cli"));
    clear(&released)?;
    let (_, wheel) = python::released(root, &root.join("cli"), &work.join("wheels"))?;
    let installed = try_wheel(root, &wheel, &work.join("venv"))?;
    openssl::check(&installed)?;
    glibc::check(&installed)?;
    let packages = work.join("npm");
    let mut layout = Command::new("node");
    layout.arg(root.join("cli/npm/dist.mjs")).arg(&installed).arg(&packages);
    call(&mut layout, "node", "install Node.js 20 (https://nodejs.org/en/download)")?;
    let tarballs = try_npm(root, &packages, &work.join("project"))?;

    fs::create_dir_all(&released)?;
    for file in [&[wheel], &tarballs[..]].concat() {
        let to = released.join(file.file_name().unwrap_or_default());
        println!("{}: {} kB", to.display(), fs::copy(&file, &to)? / 1000);
    }
    Ok(())
}

/// Installs the wheel in a fresh environment, and has the command say its version there.
fn try_wheel(root: &Path, wheel: &Path, venv: &Path) -> Result<PathBuf> {
    let scripts = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let advice = "install Python 3 with venv and pip (https://www.python.org/downloads/)";
    call(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv), "python3 -m venv", advice)?;
    let mut pip = Command::new(scripts.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]);
    call(pip.arg(wheel), "pip", advice)?;
    let installed = scripts.join(name());
    says_its_version(&run(root, &installed.to_string_lossy(), "--version").output()?)?;
    Ok(installed)
}

/// Packs the packages, installs them in a fresh project, and has the command say its version there.
fn try_npm(root: &Path, packages: &Path, project: &Path) -> Result<Vec<PathBuf>> {
    clear(project)?;
    fs::create_dir_all(project)?;
    write(&project.join("package.json"), b"{ \"private\": true }\n")?;
    let npm = |arguments: &[&str], files: &[PathBuf]| {
        let mut command = Command::new(NPM);
        // The registry, which has the packages for other machines, is not queried.
        command.current_dir(project).args(arguments).args(["--offline", "--no-audit", "--no-fund"]);
        command.args(files).stdout(Stdio::null());
        call(&mut command, "npm", "install Node.js 20 with npm (https://nodejs.org/en/download)")
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(packages)? {
        folders.push(entry?.path());
    }
    npm(&["pack", "--loglevel=error"], &folders)?;
    let mut tarballs = Vec::new();
    for entry in fs::read_dir(project)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            tarballs.push(path);
        }
    }
    npm(&["install", "--loglevel=error"], &tarballs)?;
    let npx = project.join("node_modules/.bin").join(if cfg!(windows) { "ssf.cmd" } else { "ssf" });
    says_its_version(&run(root, &npx.to_string_lossy(), "--version").output()?)?;
    Ok(tarballs)
}

fn says_its_version(said: &str) -> Result {
    let wanted = concat!("ssf ", env!("CARGO_PKG_VERSION"));
    if said.trim() == wanted {
        Ok(())
    } else {
        Err(format!("ssf --version says {said}, not {wanted}").into())
    }
}
