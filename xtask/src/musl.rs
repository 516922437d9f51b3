//! What releases for musl need of the system: nothing but musl 1.2, under the name that every system has it by.

use crate::elf::Library;

/// musl's dynamic linker takes this name for itself.
const LIBC: &str = "libc.so";

/// What came with later versions than 1.2.0, which the tag of wheels promises: with 1.2.2, 1.2.3 and 1.2.5.
const NEWER: [&str; 6] = ["_Fork", "reallocarray", "qsort_r", "statx", "preadv2", "pwritev2"];

/// Refuses a library that needs more. A program needs nothing: zig links it with its own musl.
pub(crate) fn judge(library: &Library) -> Result<(), String> {
    // Not even libgcc, which Alpine does not have by itself. musl unwinds nothing when a thread ends, so that zig's unwinder
    // is safe.
    if let Some(name) = library.needed.iter().find(|name| *name != LIBC) {
        return Err(format!("needs {name}, which not every system with musl has"));
    }
    match library.undefined.iter().find(|name| NEWER.contains(&name.as_str())) {
        Some(name) => Err(format!("needs {name}, which musl 1.2.0 does not have")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_musl_is_needed() {
        let needing = |names: &[&str]| {
            let needed = names.iter().map(|name| (*name).to_owned()).collect();
            judge(&Library { needed, ..Library::default() })
        };
        assert_eq!(needing(&[]), Ok(()));
        assert_eq!(needing(&["libc.so"]), Ok(()));
        for name in ["libgcc_s.so.1", "libc.so.6", "libc.musl-x86_64.so.1", "libssl.so.3"] {
            assert!(needing(&["libc.so", name]).unwrap_err().contains(name));
        }
    }

    #[test]
    fn a_function_of_a_later_version_is_refused() {
        let using = |name: &str| judge(&Library { undefined: vec![name.to_owned()], ..Library::default() });
        assert_eq!(using("qsort"), Ok(()));
        assert!(using("statx").unwrap_err().contains("statx"));
    }
}
