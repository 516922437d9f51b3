//! What a shared library of ELF tells the dynamic linker.

use std::path::Path;

use goblin::elf::{
    Elf,
    dynamic::DF_1_NODELETE,
    sym::{STB_LOCAL, STB_WEAK},
    symver::VerneedSection,
};

use crate::{Result, install::read};

/// The dynamic section, the dynamic symbols and the versions of a library.
#[derive(Debug, Default)]
pub(crate) struct Library {
    /// The processor that it is for (`e_machine`).
    pub(crate) machine: u16,
    /// The libraries that are loaded with it (`DT_NEEDED`).
    pub(crate) needed: Vec<String>,
    /// The symbols that others have to define.
    pub(crate) undefined: Vec<String>,
    /// The symbols that others may use.
    pub(crate) exported: Vec<String>,
    /// The versions that it needs of those symbols, each with the library that has to have it.
    pub(crate) versions: Vec<Version>,
    /// Whether it stays in memory when the last user has closed it (`DF_1_NODELETE`).
    pub(crate) nodelete: bool,
}

/// A version of symbols, such as `GLIBC_2.28` of `libc.so.6`.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) library: String,
    pub(crate) name: String,
}

impl Library {
    /// Reads a file.
    pub(crate) fn open(file: &Path) -> Result<Self> {
        Ok(Self::parse(&read(file)?).map_err(|error| format!("{}: {error}", file.display()))?)
    }

    fn parse(bytes: &[u8]) -> goblin::error::Result<Self> {
        let elf = Elf::parse(bytes)?;
        let text = |offset| elf.dynstrtab.get_at(offset).unwrap_or_default().to_owned();
        // A program goes on without a weak one.
        let undefined =
            elf.dynsyms.iter().filter(|symbol| symbol.is_import() && symbol.st_bind() != STB_WEAK);
        let exported =
            elf.dynsyms.iter().filter(|symbol| !symbol.is_import() && symbol.st_bind() != STB_LOCAL);
        let versions = elf.verneed.iter().flat_map(VerneedSection::iter).flat_map(|library| {
            let versions: Vec<_> = library.iter().map(|version| text(version.vna_name)).collect();
            versions.into_iter().map(move |name| Version { library: text(library.vn_file), name })
        });
        Ok(Self {
            machine: elf.header.e_machine,
            needed: elf.libraries.iter().map(|&name| name.to_owned()).collect(),
            undefined: undefined.map(|symbol| text(symbol.st_name)).collect(),
            exported: exported.map(|symbol| text(symbol.st_name)).collect(),
            versions: versions.collect(),
            nodelete: elf.dynamic.as_ref().is_some_and(|dynamic| dynamic.info.flags_1 & DF_1_NODELETE != 0),
        })
    }
}

/// Refuses a library of ELF that shows its SQLite, or that uses one of the host: two copies under one name would mix.
pub(crate) fn hides_sqlite(file: &Path) -> Result {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let library = Library::open(file)?;
    let shown = library.exported.iter().chain(&library.undefined).find(|name| name.starts_with("sqlite3"));
    match shown {
        Some(name) => Err(format!("{}: the symbol {name} is not hidden", file.display()).into()),
        None => Ok(()),
    }
}

impl Version {
    /// The numbers behind a prefix: `[2, 28]` in `GLIBC_2.28` behind `GLIBC_`. `None` for another prefix.
    pub(crate) fn behind(&self, prefix: &str) -> Option<Vec<u32>> {
        self.name.strip_prefix(prefix)?.split('.').map(|part| part.parse().ok()).collect()
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    #[test]
    fn a_program_names_its_libraries_symbols_and_versions() {
        // This very program, as cc has linked it.
        let program = Library::open(&std::env::current_exe().unwrap()).unwrap();
        assert!(program.needed.iter().any(|name| name == "libc.so.6"), "{program:?}");
        assert!(program.undefined.iter().any(|name| name == "_Unwind_Resume"), "{program:?}");
        let of_libc = program.versions.iter().filter(|version| version.library == "libc.so.6");
        let mut numbers = of_libc.filter_map(|version| version.behind("GLIBC_"));
        assert!(numbers.any(|numbers| numbers >= vec![2, 2]), "{program:?}");
        assert!(!program.nodelete);
    }

    #[test]
    fn a_library_that_uses_the_sqlite_of_the_host_is_refused() {
        let program = std::env::current_exe().unwrap();
        hides_sqlite(&program).unwrap();
        let folder = std::env::temp_dir().join(format!("hides-sqlite-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (source, library) = (folder.join("shows.c"), folder.join("libshows.so"));
        for code in [
            "int sqlite3_open(void) { return 0; }",
            "int sqlite3_open(void); int go(void) { return sqlite3_open(); }",
        ] {
            std::fs::write(&source, code).unwrap();
            let mut linker = std::process::Command::new("cc");
            linker.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
            assert!(linker.status().unwrap().success());
            let error = hides_sqlite(&library).unwrap_err().to_string();
            assert!(error.ends_with("the symbol sqlite3_open is not hidden"), "{error}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_not_elf_is_named() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let error = Library::open(&manifest).unwrap_err().to_string();
        assert!(error.contains("Cargo.toml"), "{error}");
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let version = |name: &str| Version { library: "libc.so.6".to_owned(), name: name.to_owned() };
        assert_eq!(version("GLIBC_2.2.5").behind("GLIBC_"), Some(vec![2, 2, 5]));
        assert!(version("GLIBC_2.4").behind("GLIBC_") < version("GLIBC_2.28").behind("GLIBC_"));
        assert_eq!(version("GLIBC_PRIVATE").behind("GLIBC_"), None);
        assert_eq!(version("GCC_3.0").behind("GLIBC_"), None);
    }
}
