//! The archive of the command, for those who install neither from `PyPI` nor from npm: the program, its manual pages,
//! completions for shells, and the licences.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

use crate::{
    Result,
    bill::LICENCES,
    install::{call, clear, write},
    run::{build, program as run},
    target::Target,
};

/// Each shell, and the name under which it looks for what completes a command.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "ssf.bash"),
    ("elvish", "ssf.elv"),
    ("fish", "ssf.fish"),
    ("powershell", "_ssf.ps1"),
    ("zsh", "_ssf"),
];

/// The name of the archive, without its ending: the folder in it.
pub(crate) fn name(target: &Target) -> String {
    format!("ssf-{}-{}", env!("CARGO_PKG_VERSION"), target.triple)
}

/// What is in it for every version of the command; a manual page of each subcommand comes beside these.
pub(crate) fn files(target: &Target) -> Vec<String> {
    let completions = SHELLS.map(|(_, file)| format!("completions/{file}"));
    let own = [&target.program("ssf"), "man/ssf.1", "README.md", "LICENSE-APACHE", "LICENSE-MIT", LICENCES];
    own.map(str::to_owned).into_iter().chain(completions).collect()
}

/// Writes the archive into the folder `work`, and returns where it is.
pub(super) fn write_to(
    root: &Path,
    target: &Target,
    program: &Path,
    licences: &Path,
    work: &Path,
) -> Result<PathBuf> {
    clear(work)?;
    let name = name(target);
    let folder = work.join(&name);
    for below in ["man", "completions"] {
        fs::create_dir_all(folder.join(below))?;
    }
    fs::copy(program, folder.join(target.program("ssf")))?;
    fs::copy(licences, folder.join(LICENCES))?;
    for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root.join("cli").join(file), folder.join(file))?;
    }
    // The command of this machine writes the same texts.
    build(root)?;
    let command = super::program(root);
    let mut man = Command::new(&command);
    man.args(["man", "--dir"]).arg(folder.join("man")).stdout(Stdio::null());
    call(&mut man, "ssf man", "it was built just now")?;
    for (shell, file) in SHELLS {
        let text = run(root, &command.to_string_lossy(), &format!("completions {shell}")).output()?;
        write(&folder.join("completions").join(file), text.as_bytes())?;
    }
    let mut files = Vec::new();
    list(&folder, &mut files)?;
    files.sort();
    // The same files are the same archive.
    for file in &files {
        fs::File::options().append(true).open(file)?.set_modified(SystemTime::UNIX_EPOCH)?;
    }
    let archive = work.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.current_dir(work).arg("-czf").arg(&archive);
    if target.system.is_linux() {
        tar.args(["--owner=root:0", "--group=root:0"]);
    }
    tar.args(files.iter().filter_map(|file| file.strip_prefix(work).ok()));
    call(&mut tar, "tar", "it packs the archive of the command")?;
    Ok(archive)
}

/// All files below a folder.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
