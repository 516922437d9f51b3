//! Hides the SQLite in the static library. An app has its own SQLite, or the system's: two copies under one name would mix, and each
//! drops the other's locks on a file.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use goblin::{
    Object,
    archive::Archive,
    elf::{Sym, sym::STB_LOCAL},
    mach::Mach,
};

use crate::{
    Result,
    install::{clear, read},
};

/// What the names of SQLite begin with.
const PREFIX: &str = "sqlite3";
/// The object that replaces SQLite and all that uses it.
const HIDDEN: &str = "ssf-sqlite.o";

/// Links SQLite and the objects that use it into one object, in which its symbols are local, and puts that into the archive. Removes
/// debugging information.
pub(super) fn hide(archive: &Path, work: &Path) -> Result {
    let objects: BTreeSet<_> = shown(archive)?.into_iter().map(|(object, _)| object).collect();
    if objects.is_empty() {
        return Err(format!("{} contains no SQLite to hide", archive.display()).into());
    }
    let (archive, folder) = (fs::canonicalize(archive)?, work.join("sqlite"));
    clear(&folder)?;
    fs::create_dir_all(&folder)?;
    let tool = |name: &str| {
        let mut command = Command::new(name);
        command.current_dir(&folder);
        command
    };
    call(tool("ar").arg("x").arg(&archive).args(&objects))?;
    let mut link = tool("ld");
    link.args(["-r", "-o", HIDDEN]);
    if cfg!(target_os = "macos") {
        // What is not exported becomes local when objects are merged.
        link.args(["-unexported_symbol", &format!("_{PREFIX}*")]);
    }
    call(link.args(&objects))?;
    if !cfg!(target_os = "macos") {
        call(tool("objcopy").args(["--wildcard", &format!("--localize-symbol={PREFIX}*"), HIDDEN]))?;
    }
    call(tool("ar").arg("d").arg(&archive).args(&objects))?;
    call(tool("ar").arg("q").arg(&archive).arg(HIDDEN))?;
    // It also writes the index: that of GNU ar lacks the objects that a plugin for another LLVM than Rust's claims and cannot read.
    call(tool("strip").arg("-S").arg(&archive))?;
    check(&archive)
}

/// Rejects an archive that shows its SQLite, or that needs one of the host.
pub(super) fn check(archive: &Path) -> Result {
    match shown(archive)?.first() {
        Some((object, name)) => {
            Err(format!("{}({object}): the symbol {name} is not hidden", archive.display()).into())
        }
        None => Ok(()),
    }
}

/// The symbols of SQLite that objects of an archive define for others, or need from others, each with its object.
fn shown(archive: &Path) -> Result<Vec<(String, String)>> {
    let bytes = read(archive)?;
    let parsed = Archive::parse(&bytes)?;
    let mut shown = Vec::new();
    for index in 0..parsed.len() {
        let member = parsed.get_at(index).ok_or("the archive has fewer members than it says")?;
        let content = &bytes[usize::try_from(member.offset)?..][..member.size()];
        let mut note = |name: &str| {
            if name.trim_start_matches('_').starts_with(PREFIX) {
                shown.push((member.extended_name().to_owned(), name.to_owned()));
            }
        };
        match Object::parse(content)? {
            Object::Elf(elf) => {
                let is_global = |symbol: &Sym| symbol.st_bind() != STB_LOCAL;
                let names = elf.syms.iter().filter(is_global);
                names.filter_map(|symbol| elf.strtab.get_at(symbol.st_name)).for_each(&mut note);
            }
            Object::Mach(Mach::Binary(object)) => {
                let symbols = object.symbols().filter_map(std::result::Result::ok);
                symbols.filter(|(_, symbol)| symbol.is_global()).for_each(|(name, _)| note(name));
            }
            // Not an object: Rust's metadata, for example.
            _ => {}
        }
    }
    Ok(shown)
}

/// Runs a tool. What it says is shown only if it fails.
fn call(command: &mut Command) -> Result {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.output().map_err(|error| format!("{name} does not start ({error}); is it installed?"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// An archive of what `cc` makes of these sources.
    fn archive(folder: &Path, sources: &[&str]) -> Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let archive = folder.join("library.a");
        for (number, code) in sources.iter().enumerate() {
            let (source, object) = (folder.join(format!("{number}.c")), folder.join(format!("{number}.o")));
            fs::write(&source, code)?;
            call(Command::new("cc").args(["-c", "-o"]).arg(&object).arg(&source))?;
            call(Command::new("ar").arg("qc").arg(&archive).arg(&object))?;
        }
        Ok(archive)
    }

    #[test]
    fn sqlite_is_local_and_what_uses_it_works() {
        let folder = std::env::temp_dir().join(format!("hide-sqlite-{}", std::process::id()));
        let archive = archive(
            &folder,
            &[
                "int sqlite3_version_number(void) { return 7; }",
                "int sqlite3_version_number(void); int ours(void) { return sqlite3_version_number(); }",
                "int ours(void); int other(void) { return ours(); }",
            ],
        )
        .unwrap();
        let error = check(&archive).unwrap_err().to_string();
        assert!(
            error.ends_with("library.a(0.o): the symbol sqlite3_version_number is not hidden"),
            "{error}"
        );
        hide(&archive, &folder).unwrap();
        // A program has its own, and each uses the one that it knows.
        let (source, program) = (folder.join("main.c"), folder.join("program"));
        let code = "int other(void); int sqlite3_version_number(void) { return 3; } \
                    int main(void) { return 10 * other() + sqlite3_version_number(); }";
        fs::write(&source, code).unwrap();
        call(Command::new("cc").arg("-o").arg(&program).arg(&source).arg(&archive)).unwrap();
        assert_eq!(Command::new(&program).status().unwrap().code(), Some(73));
        // There is nothing left to hide, which a release must not take for success.
        assert!(hide(&archive, &folder).unwrap_err().to_string().ends_with("contains no SQLite to hide"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
