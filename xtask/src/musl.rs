//! What releases for musl need of the system: nothing but musl, under the name that every system has it by.

use crate::elf::Library;

/// musl's dynamic linker takes this name for itself.
const LIBC: &str = "libc.so";

/// Refuses a library that needs more. A program needs nothing: zig links it with its own musl.
pub(crate) fn judge(library: &Library) -> Result<(), String> {
    match library.needed.iter().find(|name| *name != LIBC) {
        // Not even libgcc, which Alpine does not have by itself. musl unwinds nothing when a thread ends, so that zig's
        // unwinder does no harm.
        Some(name) => Err(format!("needs {name}, which not every system with musl has")),
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
}
