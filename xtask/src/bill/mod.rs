//! What a release consists of: the crates that are compiled into it, and what they link. The licences go into each
//! package as `THIRD-PARTY.txt`, and the SBOM into wheels and to `target/dist/`.

mod bundled;
mod crates;
mod cyclonedx;
mod licences;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{Result, install::write, target::Target};

/// The licences, by the name that they have in every package.
pub(crate) const LICENCES: &str = "THIRD-PARTY.txt";

/// What is released with a bill: a native library or program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Artefact {
    Cli,
    Node,
    Python,
    Swift,
}

/// The bill of an artefact for one platform.
pub(crate) struct Bill {
    artefact: Artefact,
    target: &'static Target,
    /// The first one is our crate.
    parts: Vec<Part>,
}

/// A crate, or something that a crate links.
struct Part {
    name: String,
    version: String,
    /// An SPDX expression.
    licence: String,
    /// Its package URL, which also identifies it in the bill.
    purl: String,
    /// What databases of vulnerabilities call it, if it is not a crate.
    cpe: Option<String>,
    /// The SHA-256 of its package in the registry.
    checksum: Option<String>,
    /// The texts of its licences and notices.
    texts: Vec<String>,
    /// The parts that it uses, as indices.
    needs: BTreeSet<usize>,
}

/// The files of a bill.
pub(crate) struct Files {
    pub(crate) licences: PathBuf,
    pub(crate) sbom: PathBuf,
}

impl Artefact {
    pub(crate) const ALL: [Self; 4] = [Self::Cli, Self::Node, Self::Python, Self::Swift];

    /// The crate that is built.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Cli => "ssf-cli",
            Self::Node => "ssf-transmitter-node",
            Self::Python => "ssf-transmitter-python",
            Self::Swift => "ssf-transmitter-swift",
        }
    }

    /// The package that users install, as a package URL.
    fn purl(self, target: &Target) -> String {
        let version = env!("CARGO_PKG_VERSION");
        match self {
            Self::Cli => format!("pkg:pypi/ssf-transmitter-cli@{version}"),
            Self::Node => format!("pkg:npm/%40ssf-transmitter/{}@{version}", target.npm),
            Self::Python => format!("pkg:pypi/ssf-transmitter@{version}"),
            Self::Swift => format!("pkg:generic/SSFTransmitter@{version}"),
        }
    }

    /// The name of the SBOM in wheels and on the release page.
    pub(crate) fn sbom(self, target: &Target) -> String {
        format!("{}-{}.cdx.json", self.package(), target.triple)
    }
}

impl Bill {
    /// Reads the bill of an artefact from the lock files and the sources.
    pub(crate) fn read(root: &Path, artefact: Artefact, target: &'static Target) -> Result<Self> {
        let mut parts = crates::read(root, artefact.package(), target)?;
        bundled::add(root, &mut parts, target)?;
        Ok(Self { artefact, target, parts })
    }

    /// The licences, as they go into the package.
    pub(crate) fn licences(&self) -> Result<String> {
        licences::render(self)
    }

    /// The SBOM, as it goes into the package.
    pub(crate) fn sbom(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(&cyclonedx::render(self))? + "\n")
    }

    /// The version of a library that is no crate.
    pub(crate) fn version(&self, library: &str) -> Option<&str> {
        let start = format!("{}{library}@", bundled::PURL);
        self.parts.iter().find_map(|part| part.purl.strip_prefix(&start))
    }

    /// Writes both files below `target/bill/`.
    pub(crate) fn write(&self, root: &Path) -> Result<Files> {
        let folder = root.join("target/bill").join(self.target.triple).join(self.artefact.package());
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let files =
            Files { licences: folder.join(LICENCES), sbom: folder.join(self.artefact.sbom(self.target)) };
        write(&files.licences, self.licences()?.as_bytes())?;
        write(&files.sbom, self.sbom()?.as_bytes())?;
        Ok(files)
    }
}

impl Files {
    /// Puts the SBOM beside the packages that are released.
    pub(crate) fn release(&self, folder: &Path) -> Result {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let to = folder.join(self.sbom.file_name().unwrap_or_default());
        fs::copy(&self.sbom, &to).map_err(|error| format!("{}: {error}", to.display()))?;
        Ok(())
    }
}
