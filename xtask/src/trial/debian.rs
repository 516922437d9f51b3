//! Packages of Debian for any processor, unpacked into a folder. apt has a state of its own for that: nothing of this
//! machine changes, and its architectures do not matter.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    Result,
    install::{call, clear, write},
};

const ADVICE: &str = "other platforms are tried with packages of Debian: use Debian";
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Packages, and where they are from.
pub(super) struct Packages<'a> {
    /// What Rust calls the processor.
    pub(super) processor: &'a str,
    /// The release of Debian: that of this machine, if none is named.
    pub(super) release: Option<&'a str>,
    pub(super) names: &'a [&'a str],
}

impl Packages<'_> {
    /// Unpacks them into an empty folder, with all that they depend on.
    pub(super) fn unpack(&self, work: &Path, folder: &Path) -> Result {
        let architecture = architecture(self.processor)?;
        let apt = work.join(format!("{architecture}-{}", self.names[0]));
        clear(folder)?;
        fs::create_dir_all(folder)?;
        for package in self.download(&apt, architecture)? {
            call(Command::new("dpkg-deb").arg("--extract").arg(package).arg(folder), "dpkg-deb", ADVICE)?;
        }
        Ok(())
    }

    /// Downloads them, with what they depend on.
    fn download(&self, apt: &Path, architecture: &str) -> Result<Vec<PathBuf>> {
        let archives = apt.join("archives");
        clear(&archives)?;
        for folder in ["lists/partial", "archives/partial"] {
            fs::create_dir_all(apt.join(folder))?;
        }
        // Nothing is installed, as far as apt can see.
        write(&apt.join("status"), b"")?;
        let here = apt.display();
        let text = format!(
            "APT::Architecture \"{architecture}\";\nAPT::Architectures \"{architecture}\";\n\
             APT::Sandbox::User \"\";\n\
             Dir::State \"{here}\";\nDir::State::status \"{here}/status\";\nDir::Cache \"{here}\";\n",
        );
        let sources = if let Some(release) = self.release {
            let source = format!("deb [signed-by={KEYS}] {} {release} main\n", archive()?);
            write(&apt.join("sources.list"), source.as_bytes())?;
            format!("Dir::Etc::sourcelist \"{here}/sources.list\";\nDir::Etc::sourceparts \"{here}/none\";\n")
        } else {
            String::new()
        };
        let configuration = apt.join("apt.conf");
        write(&configuration, [text, sources].concat().as_bytes())?;
        let get = |arguments: &[&str]| {
            let mut command = Command::new("apt-get");
            command.env("APT_CONFIG", &configuration).args(["--quiet", "--quiet"]).args(arguments);
            call(&mut command, "apt-get", ADVICE)
        };
        get(&["update"])?;
        get(&[&["--yes", "--no-install-recommends", "--download-only", "install"], self.names].concat())?;
        let found = fs::read_dir(&archives)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        Ok(found.into_iter().filter(|path| path.extension().is_some_and(|end| end == "deb")).collect())
    }
}

/// Where this machine has Debian from.
fn archive() -> Result<String> {
    let mut ask = Command::new("apt-get");
    ask.args([
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Origin: Debian",
        "Label: Debian",
    ]);
    let output = ask.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("apt-get does not start ({error}): {ADVICE}"))?;
    let told = String::from_utf8(output.stdout)?;
    let first = told.lines().next().ok_or_else(|| format!("apt-get knows no archive of Debian: {ADVICE}"))?;
    Ok(first.to_owned())
}

/// What Debian calls a processor.
fn architecture(processor: &str) -> Result<&'static str> {
    match processor {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => Err(format!("other platforms cannot be tried on {other}").into()),
    }
}
