//! Releases for Linux run on systems that are older than the one that builds them: zig links them for an old glibc, and
//! the result is checked.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    elf::{Library, Version},
    install::{call, install, write},
    openssl::Variables,
};

/// The oldest glibc: that of RHEL 8, Debian 10 and Ubuntu 20.04, and the one that Node's own releases ask for.
const OLDEST: [u32; 2] = [2, 28];
/// The newest version of symbols that libgcc has there: that of GCC 7, as RHEL 8 comes with GCC 8.
const OLDEST_LIBGCC: [u32; 3] = [7, 0, 0];

/// glibc unwinds a thread with this library in `pthread_exit`, which Python calls in threads that come back to an
/// interpreter that has ended. Code with another unwinder, such as the one that zig brings, is handed values there that
/// only this one understands, and the process crashes.
const LIBGCC: &str = "libgcc_s.so.1";
/// What Rust needs of an unwinder: to throw, to go on after a cleanup, and to find the cleanups of a frame.
const UNWINDER: [&str; 3] = ["_Unwind_RaiseException", "_Unwind_Resume", "_Unwind_GetLanguageSpecificData"];

/// Whether releases of this machine are for glibc.
const HERE: bool = cfg!(all(target_os = "linux", target_env = "gnu"));

/// The tag of wheels for systems with it.
pub(crate) fn manylinux() -> String {
    format!("manylinux_{}_{}", OLDEST[0], OLDEST[1])
}

/// What makes cargo link for it. Nothing on other systems.
pub(crate) fn variables(root: &Path) -> Result<Variables> {
    if !HERE {
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
///
/// cargo-zigbuild replaces `-lgcc_s` by zig's own unwinder. libgcc comes before it on the line, so that everything is found
/// there, and nothing is taken of zig's. This machine's libgcc may ask for a newer glibc than the one that is linked for;
/// only its names and their versions matter.
fn linker(work: &Path, venv: &Path, wrapper: &Path) -> Result<PathBuf> {
    let (linker, [major, minor]) = (work.join("cc"), OLDEST);
    let script = format!(
        "#!/bin/sh\nCARGO_ZIGBUILD_PYTHON_PATH='{}' exec '{}' zig cc -- -g -target {}-linux-gnu.{major}.{minor} \
         '{}' -Wl,--allow-shlib-undefined \"$@\"\n",
        venv.join("bin/python").display(),
        wrapper.display(),
        std::env::consts::ARCH,
        libgcc()?.display(),
    );
    write(&linker, script.as_bytes())?;
    #[cfg(unix)]
    fs::set_permissions(&linker, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    Ok(linker)
}

/// Where the C compiler of this machine has libgcc.
fn libgcc() -> Result<PathBuf> {
    let advice = "install a C compiler with its libgcc (on Debian and Ubuntu: gcc)";
    let output = Command::new("cc").arg(format!("-print-file-name={LIBGCC}")).output();
    let output = output.map_err(|error| format!("cc does not start ({error}): {advice}"))?;
    let path = PathBuf::from(String::from_utf8(output.stdout)?.trim());
    // A compiler that does not have it answers with the bare name.
    if path.is_absolute() { Ok(path) } else { Err(format!("cc has no {LIBGCC}: {advice}").into()) }
}

/// Refuses a library that would not load on the oldest system, or that would crash where a thread is ended in it.
pub(crate) fn check(file: &Path) -> Result {
    if !HERE {
        return Ok(());
    }
    judge(&Library::open(file)?).map_err(|reason| format!("{}: {reason}", file.display()).into())
}

fn judge(library: &Library) -> std::result::Result<(), String> {
    for (prefix, oldest) in [("GLIBC_", &OLDEST[..]), ("GCC_", &OLDEST_LIBGCC)] {
        let newer = |version: &&Version| version.behind(prefix).is_some_and(|numbers| numbers[..] > *oldest);
        if let Some(version) = library.versions.iter().find(newer) {
            let oldest: Vec<_> = oldest.iter().map(ToString::to_string).collect();
            let (wanted, of) = (&version.name, &version.library);
            return Err(format!("needs {wanted} of {of}, newer than {prefix}{}", oldest.join(".")));
        }
    }
    if !library.needed.iter().any(|name| name == LIBGCC) {
        return Err(format!("does not need {LIBGCC}: ending a thread in it would crash the process"));
    }
    match UNWINDER.iter().find(|name| !library.undefined.iter().any(|undefined| undefined == *name)) {
        Some(name) => Err(format!(
            "has a {name} of its own instead of that of {LIBGCC}: ending a thread in it would crash the process"
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(versions: &[(&str, &str)]) -> Library {
        let version =
            |&(library, name): &(&str, &str)| Version { library: library.to_owned(), name: name.to_owned() };
        Library {
            needed: ["libc.so.6", LIBGCC].map(str::to_owned).to_vec(),
            undefined: UNWINDER.map(str::to_owned).to_vec(),
            exported: Vec::new(),
            versions: versions.iter().map(version).collect(),
            nodelete: false,
        }
    }

    #[test]
    fn what_the_oldest_systems_have_is_accepted() {
        let versions = [("libc.so.6", "GLIBC_2.28"), ("libc.so.6", "GLIBC_2.4"), (LIBGCC, "GCC_4.2.0")];
        assert_eq!(judge(&library(&versions)), Ok(()));
    }

    #[test]
    fn a_newer_version_is_refused_by_name() {
        for (of, name) in [("libc.so.6", "GLIBC_2.34"), ("libm.so.6", "GLIBC_3.0"), (LIBGCC, "GCC_12.0.0")] {
            let reason = judge(&library(&[("libc.so.6", "GLIBC_2.2.5"), (of, name)])).unwrap_err();
            assert!(reason.contains(name) && reason.contains(of), "{reason}");
        }
    }

    #[test]
    fn an_unwinder_of_its_own_is_refused() {
        let without = Library { needed: vec!["libc.so.6".to_owned()], ..library(&[]) };
        assert!(judge(&without).unwrap_err().contains(LIBGCC));
        for name in UNWINDER {
            let mut own = library(&[]);
            own.undefined.retain(|undefined| undefined != name);
            let reason = judge(&own).unwrap_err();
            assert!(reason.contains(name), "{reason}");
        }
    }
}
