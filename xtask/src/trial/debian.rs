//! Packages of Debian for any processor, unpacked into a folder. apt has a state of its own for that: nothing of this machine
//! changes, and its architectures do not matter.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    install::{call, clear, install, write},
};

const ADVICE: &str = "other platforms are tried with packages of Debian: use Debian or Ubuntu";

/// Unpacks packages with all that they depend on, unless these are unpacked there.
pub(super) fn unpack(work: &Path, architecture: &str, packages: &[&str], folder: &Path) -> Result {
    let wanted = work.join(format!("{architecture}-{}", packages[0]));
    fs::create_dir_all(&wanted).map_err(|error| format!("{}: {error}", wanted.display()))?;
    let list = wanted.join("packages");
    write(&list, packages.join("\n").as_bytes())?;
    install(&list, &wanted.join("unpacked"), folder, || {
        clear(folder)?;
        fs::create_dir_all(folder)?;
        for package in download(&wanted, architecture, packages)? {
            call(Command::new("dpkg-deb").arg("--extract").arg(package).arg(folder), "dpkg-deb", ADVICE)?;
        }
        Ok(())
    })
}

/// Downloads packages, with what they depend on.
fn download(work: &Path, architecture: &str, packages: &[&str]) -> Result<Vec<PathBuf>> {
    let archives = work.join("archives");
    clear(&archives)?;
    for folder in ["lists/partial", "archives/partial"] {
        fs::create_dir_all(work.join(folder))?;
    }
    // Nothing is installed, as far as apt can see.
    write(&work.join("status"), b"")?;
    let configuration = work.join("apt.conf");
    let text = format!(
        "APT::Architecture \"{architecture}\";\nAPT::Architectures \"{architecture}\";\nAPT::Sandbox::User \"\";\n\
         Dir::State \"{here}\";\nDir::State::status \"{here}/status\";\nDir::Cache \"{here}\";\n",
        here = work.display(),
    );
    write(&configuration, text.as_bytes())?;
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("APT_CONFIG", &configuration).args(["--quiet", "--quiet"]).args(arguments);
        call(&mut command, "apt-get", ADVICE)
    };
    apt(&["update"])?;
    apt(&[&["--yes", "--no-install-recommends", "--download-only", "install"], packages].concat())?;
    let found = fs::read_dir(&archives)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(found
        .into_iter()
        .filter(|path| path.is_file() && path.extension().is_some_and(|end| end == "deb"))
        .collect())
}
