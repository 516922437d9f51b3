//! What releases for glibc need of the system: an old glibc, and its unwinder. `zig.rs` links them so; this checks it.

use crate::elf::{Library, Version};

/// The oldest glibc: that of RHEL 8, Debian 10 and Ubuntu 20.04, and the one that Node's own releases ask for.
pub(crate) const OLDEST: [u32; 2] = [2, 28];
/// The newest version of symbols that libgcc has there: that of GCC 7, as RHEL 8 comes with GCC 8.
const OLDEST_LIBGCC: [u32; 3] = [7, 0, 0];

/// glibc unwinds a thread with this library in `pthread_exit`, which Python calls in threads that come back to an
/// interpreter that has ended. Code with another unwinder, such as the one that zig brings, is handed values there that
/// only this one understands, and the process crashes.
pub(crate) const LIBGCC: &str = "libgcc_s.so.1";
/// What Rust needs of an unwinder: to throw, to go on after a cleanup, to find the cleanups of a frame, and to walk the
/// stack.
const UNWINDER: [&str; 5] = [
    "_Unwind_RaiseException",
    "_Unwind_Resume",
    "_Unwind_GetLanguageSpecificData",
    "_Unwind_Backtrace",
    "_Unwind_GetIPInfo",
];
/// The libraries that every system with glibc has, and the dynamic linker, which has another name on each processor.
const OF_THE_SYSTEM: [&str; 6] =
    ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", LIBGCC];
const DYNAMIC_LINKER: &str = "ld-linux-";

/// The tag of wheels for systems with it.
pub(crate) fn manylinux() -> String {
    format!("manylinux_{}_{}", OLDEST[0], OLDEST[1])
}

/// Refuses a library that would not load on the oldest system, or that would crash where a thread is ended in it.
pub(crate) fn judge(library: &Library) -> std::result::Result<(), String> {
    for (prefix, oldest) in [("GLIBC_", &OLDEST[..]), ("GCC_", &OLDEST_LIBGCC)] {
        let newer = |version: &&Version| version.behind(prefix).is_some_and(|numbers| numbers[..] > *oldest);
        if let Some(version) = library.versions.iter().find(newer) {
            let oldest: Vec<_> = oldest.iter().map(ToString::to_string).collect();
            let (wanted, of) = (&version.name, &version.library);
            return Err(format!("needs {wanted} of {of}, newer than {prefix}{}", oldest.join(".")));
        }
    }
    let is_there =
        |name: &&String| OF_THE_SYSTEM.contains(&name.as_str()) || name.starts_with(DYNAMIC_LINKER);
    if let Some(name) = library.needed.iter().find(|name| !is_there(name)) {
        return Err(format!("needs {name}, which not every system has"));
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
            versions: versions.iter().map(version).collect(),
            ..Library::default()
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
    fn a_library_that_not_every_system_has_is_refused() {
        let needing = |name: &str| {
            let mut library = library(&[]);
            library.needed.push(name.to_owned());
            judge(&library)
        };
        assert_eq!(needing("ld-linux-aarch64.so.1"), Ok(()));
        for name in ["libssl.so.3", "libstdc++.so.6", "libpython3.10.so.1.0"] {
            assert!(needing(name).unwrap_err().contains(name));
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
