//! The command `ssf`, which is the emulator too: built for the tests of the languages, and released as a wheel and as npm
//! packages, and in an archive.

pub(crate) mod archive;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    Result,
    bill::{Artefact, Bill},
    install::{call, clear, write},
    linkage,
    node::NPM,
    openssl, python,
    run::{cargo, program as run, target},
    shipped,
    target::Target,
    trial,
};

/// Builds the command for a platform as it is released, without packages.
pub(crate) fn build_released(root: &Path, target: &Target) -> Result<PathBuf> {
    let mut line = "build --release --locked -p ssf-cli --bin ssf".to_owned();
    line.extend(target.cross().iter().flat_map(|triple| [" --target ", triple]));
    cargo(root, &line).envs(&shipped::variables(root, target)?).run()?;
    Ok(shipped::folder(root, target).join(target.program("ssf")))
}

/// Where the command of the tests is.
pub(crate) fn program(root: &Path) -> PathBuf {
    target(root).join("debug").join(format!("ssf{}", env::consts::EXE_SUFFIX))
}

/// Builds what is released for a platform, the wheel, the npm packages and the archive, with one program in all of them, and
/// puts them into `target/dist/` when they work as they are installed.
pub(crate) fn dist(root: &Path, target: &'static Target) -> Result {
    let work = root.join("target/cli").join(target.triple);
    let released = target.released(root, "cli");
    clear(&released)?;
    let (venv, wheel) = python::released(root, Artefact::Cli, &work.join("wheels"), target)?;
    let program = venv.unpack(&wheel, &work.join("wheel"), &format!("/{}", target.program("ssf")))?;
    openssl::check(&program)?;
    linkage::check(&program, target)?;
    let packages = work.join("npm");
    let mut layout = Command::new("node");
    let bill = Bill::read(root, Artefact::Cli, target)?.write(root)?;
    layout
        .arg(root.join("cli/npm/dist.mjs"))
        .arg(&program)
        .arg(target.npm)
        .arg(&packages)
        .arg(&bill.licences);
    call(&mut layout, "node", "install Node.js 20 (https://nodejs.org/en/download)")?;
    let project = work.join("project");
    let tarballs = pack(&packages, &project)?;
    if target.system.is_linux() {
        trial::command(root, target, &program)?;
    }
    if target.is_here() {
        try_wheel(root, &wheel, &work.join("venv"))?;
        try_npm(root, &project, &tarballs)?;
    }

    let archive = archive::write_to(root, target, &program, &bill.licences, &work.join("archive"))?;

    fs::create_dir_all(&released)?;
    for file in [&[wheel, archive], &tarballs[..]].concat() {
        let to = released.join(file.file_name().unwrap_or_default());
        println!("{}: {} kB", to.display(), fs::copy(&file, &to)? / 1000);
    }
    Ok(())
}

/// Installs the wheel in a fresh environment, and has the command say its version there.
fn try_wheel(root: &Path, wheel: &Path, venv: &Path) -> Result {
    let scripts = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
    let advice = "install Python 3 with venv and pip (https://www.python.org/downloads/)";
    call(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv), "python3 -m venv", advice)?;
    let mut pip = Command::new(scripts.join("python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]);
    call(pip.arg(wheel), "pip", advice)?;
    let installed = scripts.join(format!("ssf{}", env::consts::EXE_SUFFIX));
    says_its_version(&run(root, &installed.to_string_lossy(), "--version").output()?)
}

/// Packs the packages in a fresh project.
fn pack(packages: &Path, project: &Path) -> Result<Vec<PathBuf>> {
    clear(project)?;
    fs::create_dir_all(project)?;
    write(&project.join("package.json"), b"{ \"private\": true }\n")?;
    let mut folders = Vec::new();
    for entry in fs::read_dir(packages)? {
        folders.push(entry?.path());
    }
    npm(project, "pack", &folders)?;
    let mut tarballs = Vec::new();
    for entry in fs::read_dir(project)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            tarballs.push(path);
        }
    }
    Ok(tarballs)
}

/// Installs the packages in the project, and has the command say its version there.
fn try_npm(root: &Path, project: &Path, tarballs: &[PathBuf]) -> Result {
    npm(project, "install", tarballs)?;
    let npx = project.join("node_modules/.bin").join(if cfg!(windows) { "ssf.cmd" } else { "ssf" });
    says_its_version(&run(root, &npx.to_string_lossy(), "--version").output()?)
}

fn npm(project: &Path, task: &str, files: &[PathBuf]) -> Result {
    let mut command = Command::new(NPM);
    // The registry, which has the packages for other machines, is not queried.
    command.current_dir(project).args([task, "--loglevel=error", "--offline", "--no-audit", "--no-fund"]);
    command.args(files).stdout(Stdio::null());
    call(&mut command, "npm", "install Node.js 20 with npm (https://nodejs.org/en/download)")
}

fn says_its_version(said: &str) -> Result {
    let wanted = concat!("ssf ", env!("CARGO_PKG_VERSION"));
    if said.trim() == wanted {
        Ok(())
    } else {
        Err(format!("ssf --version says {said}, not {wanted}").into())
    }
}
