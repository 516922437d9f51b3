//! A file system of a platform, without a compiler, in which its programs run: on another processor in qemu.

use std::{
    env::consts,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::debian;
use crate::{
    Result,
    install::{read, write},
    target::{System, Target},
};

/// What runs the programs of another processor, in the place.
const EMULATOR: &str = "/emulator";
/// The certificates that clients of https trust, here and there.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// The shell of this machine's processor there.
const SHELL: &str = "/busybox";

pub(super) struct Place {
    folder: PathBuf,
    emulated: bool,
}

impl Place {
    /// Makes the file system, unless it is made.
    pub(super) fn make(root: &Path, target: &Target) -> Result<Self> {
        let work = root.join("target/trial");
        let folder = work.join(target.triple);
        let packages: &[&str] = match target.system {
            // What Python and Node need.
            System::Gnu => &["python3", "libstdc++6"],
            _ => &["musl"],
        };
        debian::unpack(&work, debian_name(target.processor())?, packages, &folder)?;
        for name in ["tmp", "etc/ssl/certs"] {
            fs::create_dir_all(folder.join(name))?;
        }
        write(&folder.join(&AUTHORITIES[1..]), &read(Path::new(AUTHORITIES))?)?;
        let emulated = target.processor() != consts::ARCH;
        if emulated {
            let tools = work.join("tools");
            let packages = ["qemu-user-static", "busybox-static"];
            debian::unpack(&work, debian_name(consts::ARCH)?, &packages, &tools)?;
            let emulator = format!("usr/bin/qemu-{}-static", target.processor());
            fs::copy(tools.join(emulator), folder.join(&EMULATOR[1..]))?;
            fs::copy(tools.join("bin/busybox"), folder.join(&SHELL[1..]))?;
        }
        Ok(Self { folder, emulated })
    }

    /// Where a path of the place is on this machine.
    pub(super) fn outside(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// Puts a program there. Others in the place may start it, too.
    pub(super) fn put(&self, program: &Path, path: &str) -> Result {
        let there = self.outside(path);
        let real = if self.emulated { format!("{path}.real") } else { path.to_owned() };
        fs::copy(program, self.outside(&real)).map_err(|error| format!("{}: {error}", program.display()))?;
        executable(&self.outside(&real))?;
        if self.emulated {
            let start = format!("#!{SHELL} sh\nexec {EMULATOR} {real} \"$@\"\n");
            write(&there, start.as_bytes())?;
            executable(&there)?;
        }
        Ok(())
    }

    /// A program of the place, to be started in it, with no other variables than these.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("chroot");
        command
            .arg(&self.folder)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/tmp");
        if self.emulated && !self.outside(&format!("{program}.real")).exists() {
            command.arg(EMULATOR);
        }
        command.arg(program);
        command
    }
}

/// What Debian calls a processor.
fn debian_name(processor: &str) -> Result<&'static str> {
    match processor {
        "x86_64" => Ok("amd64"),
        "aarch64" => Ok("arm64"),
        other => Err(format!("other platforms cannot be tried on {other}").into()),
    }
}

#[cfg(unix)]
fn executable(file: &Path) -> Result {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    Ok(fs::set_permissions(file, mode).map_err(|error| format!("{}: {error}", file.display()))?)
}

#[cfg(not(unix))]
fn executable(_: &Path) -> Result {
    Ok(())
}
