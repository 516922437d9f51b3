//! The platforms that releases are for. What differs between them is here, as data.

use std::{
    env::consts,
    path::{Path, PathBuf},
};

use crate::{Result, glibc, openssl::Variables};

/// A platform.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name in Rust.
    pub(crate) triple: &'static str,
    /// Its name in npm packages: system, processor and C library, as Node has them.
    pub(crate) npm: &'static str,
    pub(crate) system: System,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// Linux with glibc: from [`glibc::OLDEST`] on.
    Gnu,
    /// Linux with musl: from 1.2 on, which is in Alpine 3.13 and later.
    Musl,
    MacOs,
    Windows,
}

const TARGETS: &[Target] = &[
    Target { triple: "x86_64-unknown-linux-gnu", npm: "linux-x64-gnu", system: System::Gnu },
    Target { triple: "aarch64-unknown-linux-gnu", npm: "linux-arm64-gnu", system: System::Gnu },
    Target { triple: "x86_64-unknown-linux-musl", npm: "linux-x64-musl", system: System::Musl },
    Target { triple: "aarch64-unknown-linux-musl", npm: "linux-arm64-musl", system: System::Musl },
    Target { triple: "aarch64-apple-darwin", npm: "darwin-arm64", system: System::MacOs },
    Target { triple: "x86_64-apple-darwin", npm: "darwin-x64", system: System::MacOs },
    Target { triple: "x86_64-pc-windows-msvc", npm: "win32-x64-msvc", system: System::Windows },
];

/// The oldest macOS that releases are for; `Package.swift` has it too.
pub(crate) const MACOS: &str = "12.0";

impl Target {
    /// The platform with this triple, for the command line.
    pub(crate) fn named(triple: &str) -> std::result::Result<&'static Self, String> {
        TARGETS.iter().find(|target| target.triple == triple).ok_or_else(|| {
            let known: Vec<_> = TARGETS.iter().map(|target| target.triple).collect();
            format!("releases are for {}", known.join(", "))
        })
    }

    /// All of them.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        TARGETS.iter()
    }

    /// The platforms with Linux, which zig builds for on every machine.
    pub(crate) fn linux() -> impl Iterator<Item = &'static Self> {
        TARGETS.iter().filter(|target| target.system.is_linux())
    }

    /// The platform of this machine.
    pub(crate) fn here() -> Result<&'static Self> {
        let here = TARGETS.iter().find(|target| target.is_here());
        here.ok_or_else(|| format!("there are no releases for {} on {}", consts::OS, consts::ARCH).into())
    }

    /// Whether what is built for it runs on this machine as it is.
    pub(crate) fn is_here(&self) -> bool {
        self.processor() == consts::ARCH && self.system.is_here()
    }

    /// What cargo's `--target` needs: nothing on this machine, where the tests share what is built. But variables for
    /// the compilers would reach build scripts, too.
    pub(crate) fn cross(&self) -> Option<&'static str> {
        (!self.is_here() || !self.variables().is_empty()).then_some(self.triple)
    }

    /// Its processor, as Rust calls it.
    pub(crate) fn processor(&self) -> &'static str {
        self.triple.split_once('-').map_or(self.triple, |(processor, _)| processor)
    }

    /// The platform in the tag of its wheels, without the processor, where maturin has to be told.
    pub(crate) fn compatibility(&self) -> Option<String> {
        match self.system {
            System::Gnu => Some(glibc::manylinux()),
            System::Musl => Some("musllinux_1_2".to_owned()),
            System::MacOs | System::Windows => None,
        }
    }

    /// The platform that wheels name, on Linux.
    pub(crate) fn wheel_platform(&self) -> String {
        format!("{}_{}", self.compatibility().unwrap_or_default(), self.processor())
    }

    /// What npm calls its processor.
    pub(crate) fn cpu(&self) -> &'static str {
        self.npm.split('-').nth(1).unwrap_or_default()
    }

    /// What npm calls its C library, on Linux.
    pub(crate) fn libc(&self) -> &'static str {
        if self.system == System::Musl { "musl" } else { "glibc" }
    }

    /// What zig calls it, if zig links for it.
    pub(crate) fn zig(&self) -> Option<String> {
        let [major, minor] = glibc::OLDEST;
        match self.system {
            System::Gnu => Some(format!("{}-linux-gnu.{major}.{minor}", self.processor())),
            System::Musl => Some(format!("{}-linux-musl", self.processor())),
            System::MacOs | System::Windows => None,
        }
    }

    /// The name of a program there.
    pub(crate) fn program(&self, name: &str) -> String {
        if self.system == System::Windows { format!("{name}.exe") } else { name.to_owned() }
    }

    /// Where a package for it is put when it has passed its tests.
    pub(crate) fn released(&self, root: &Path, package: &str) -> PathBuf {
        root.join("target/dist").join(self.triple).join(package)
    }

    /// The name of a setting of cargo for it, such as `CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER`.
    pub(crate) fn setting(&self, name: &str) -> String {
        format!("CARGO_TARGET_{}_{name}", self.triple.replace('-', "_").to_uppercase())
    }

    /// What compilers have to know of it, besides its name.
    pub(crate) fn variables(&self) -> Variables {
        match self.system {
            System::MacOs => Variables::from([("MACOSX_DEPLOYMENT_TARGET".to_owned(), MACOS.to_owned())]),
            // A module that is loaded has the libc of the program that loads it.
            System::Musl => {
                Variables::from([(self.setting("RUSTFLAGS"), "-C target-feature=-crt-static".to_owned())])
            }
            System::Gnu | System::Windows => Variables::new(),
        }
    }
}

impl System {
    pub(crate) fn is_linux(self) -> bool {
        matches!(self, Self::Gnu | Self::Musl)
    }

    fn is_here(self) -> bool {
        match self {
            Self::Gnu => cfg!(all(target_os = "linux", target_env = "gnu")),
            Self::Musl => cfg!(all(target_os = "linux", target_env = "musl")),
            Self::MacOs => cfg!(target_os = "macos"),
            Self::Windows => cfg!(windows),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_npm_packages_are_for_these_platforms() {
        let root = crate::root();
        let ours: BTreeSet<_> = TARGETS.iter().map(|target| target.npm.to_owned()).collect();
        let manifest = std::fs::read_to_string(root.join("cli/npm/package.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let optional = manifest["optionalDependencies"].as_object().unwrap().keys();
        let theirs: BTreeSet<_> = optional
            .filter_map(|name| Some(name.strip_prefix("@ssf-transmitter/cli-")?.to_owned()))
            .collect();
        assert_eq!(theirs, ours);
        let loader = std::fs::read_to_string(root.join("bindings-node/ts/loader.ts")).unwrap();
        let list = loader.split_once("PLATFORMS = [").unwrap().1.split_once(']').unwrap().0;
        let theirs: BTreeSet<_> = list.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(theirs, ours);
    }

    #[test]
    fn rust_and_zig_have_names_for_them() {
        let known = std::process::Command::new("rustc").args(["--print", "target-list"]).output().unwrap();
        let known = String::from_utf8(known.stdout).unwrap();
        for target in TARGETS {
            assert!(known.lines().any(|line| line == target.triple), "{}", target.triple);
            assert_eq!(Target::named(target.triple), Ok(target));
        }
        let zig = |triple| Target::named(triple).unwrap().zig();
        assert_eq!(zig("aarch64-unknown-linux-gnu").as_deref(), Some("aarch64-linux-gnu.2.28"));
        assert_eq!(zig("x86_64-unknown-linux-musl").as_deref(), Some("x86_64-linux-musl"));
        assert_eq!(zig("aarch64-apple-darwin"), None);
        assert!(
            Target::named("riscv64gc-unknown-linux-gnu").unwrap_err().contains("x86_64-unknown-linux-gnu")
        );
    }
}
