//! Releases for Linux run on systems that are older than the one that builds them: zig links them for an old glibc, and
//! what came of it is looked at.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    install::{call, install, read, write},
    openssl::Variables,
};

/// The oldest glibc: that of RHEL 8, Debian 10 and Ubuntu 20.04, and the one that Node's own releases ask for.
const OLDEST: (u32, u32) = (2, 28);

/// The tag of wheels for systems with it.
pub(crate) fn manylinux() -> String {
    format!("manylinux_{}_{}", OLDEST.0, OLDEST.1)
}

/// What makes cargo link for it. Nothing on other systems.
pub(crate) fn variables(root: &Path) -> Result<Variables> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return Ok(Variables::new());
    }
    let work = root.join("target/zig");
    let venv = work.join("venv");
    let requirements = root.join("xtask/zig/requirements.txt");
    let wrapper = venv.join("bin/cargo-zigbuild");
    install(&requirements, &work.join("installed-from"), &wrapper, || {
        let advice =
            "install Python 3 with venv and pip (on Debian and Ubuntu: python3, python3-venv, python3-pip)";
        fs::create_dir_all(&work)?;
        call(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv), "python3 -m venv", advice)?;
        let mut pip = Command::new(venv.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        call(pip.arg(&requirements), "pip", advice)
    })?;
    let linker = linker(&work, &venv, &wrapper)?;
    let machine = std::env::consts::ARCH.to_uppercase();
    let name = format!("CARGO_TARGET_{machine}_UNKNOWN_LINUX_GNU_LINKER");
    Ok(Variables::from([(name, linker.to_string_lossy().into_owned())]))
}

/// Writes the program that cargo calls to link.
fn linker(work: &Path, venv: &Path, wrapper: &Path) -> Result<PathBuf> {
    let (linker, (major, minor)) = (work.join("cc"), OLDEST);
    let script = format!(
        "#!/bin/sh\nCARGO_ZIGBUILD_PYTHON_PATH='{}' exec '{}' zig cc -- -g -target {}-linux-gnu.{major}.{minor} \"$@\"\n",
        venv.join("bin/python").display(),
        wrapper.display(),
        std::env::consts::ARCH,
    );
    write(&linker, script.as_bytes())?;
    #[cfg(unix)]
    fs::set_permissions(&linker, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(linker)
}

/// Refuses a library that asks for a newer glibc.
pub(crate) fn check(file: &Path) -> Result {
    let (wanted, (major, minor)) = (newest(&read(file)?), OLDEST);
    if wanted > Some(OLDEST) {
        let (new_major, new_minor) = wanted.unwrap_or_default();
        let file = file.display();
        return Err(format!("{file} asks for glibc {new_major}.{new_minor}, not for {major}.{minor}").into());
    }
    Ok(())
}

/// The newest version of glibc of which a library names symbols.
fn newest(library: &[u8]) -> Option<(u32, u32)> {
    let text = String::from_utf8_lossy(library);
    let versions = text.split("GLIBC_").skip(1).filter_map(|rest| {
        let version: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
        let mut parts = version.split('.').map(str::parse);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    });
    versions.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_counts() {
        let library = b"\0GLIBC_2.2.5\0GLIBC_2.34\0\xffGLIBC_2.4\0GLIBC_PRIVATE\0";
        assert_eq!(newest(library), Some((2, 34)));
        assert!(newest(library) > Some(OLDEST));
        assert!(newest(b"GLIBC_2.28") <= Some(OLDEST) && newest(b"Mach-O") <= Some(OLDEST));
    }
}
