//! What a released binary may ask of the system that loads it, and what it may show to others there.

use std::path::Path;

use goblin::elf::header::{EM_AARCH64, EM_X86_64};

use crate::{
    Result,
    elf::Library,
    glibc, musl,
    target::{System, Target},
};

/// What is linked in, and has to stay hidden: two copies under one name would mix, and Node has an OpenSSL of its own.
const HIDDEN: [&str; 4] = ["sqlite3", "EVP_", "SSL_", "OPENSSL_"];

/// Refuses a binary that does not run on every system of the platform, or that shows what is linked into it.
pub(crate) fn check(file: &Path, target: &Target) -> Result {
    if !target.system.is_linux() {
        return Ok(());
    }
    judge(&Library::open(file)?, target).map_err(|reason| format!("{}: {reason}", file.display()).into())
}

fn judge(library: &Library, target: &Target) -> std::result::Result<(), String> {
    let machine = match target.processor() {
        "aarch64" => EM_AARCH64,
        _ => EM_X86_64,
    };
    if library.machine != machine {
        return Err(format!("is not for {}", target.processor()));
    }
    match target.system {
        System::Musl => musl::judge(library)?,
        _ => glibc::judge(library)?,
    }
    let mut shown = library.exported.iter().chain(&library.undefined);
    match shown.find(|name| HIDDEN.iter().any(|prefix| name.starts_with(prefix))) {
        Some(name) => Err(format!("the symbol {name} is not hidden")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn musl() -> &'static Target {
        Target::named("x86_64-unknown-linux-musl").unwrap()
    }

    #[test]
    fn what_is_for_another_processor_is_refused() {
        let library = |machine| Library { machine, ..Library::default() };
        assert_eq!(judge(&library(EM_X86_64), musl()), Ok(()));
        assert!(judge(&library(EM_AARCH64), musl()).unwrap_err().contains("x86_64"));
    }

    #[test]
    fn what_is_linked_in_has_to_be_hidden() {
        for name in ["sqlite3_open", "EVP_PKEY_new", "SSL_new", "OPENSSL_init_crypto"] {
            let exported = vec!["napi_register_module_v1".to_owned(), name.to_owned()];
            let library = Library { machine: EM_X86_64, exported, ..Library::default() };
            assert!(judge(&library, musl()).unwrap_err().contains(name));
        }
    }
}
