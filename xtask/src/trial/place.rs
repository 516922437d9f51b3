//! A file system of a platform, without a compiler. qemu runs the programs of another processor.

use std::{
    env::consts,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    debian::Packages,
    pypi::{self, NODE, PYTHON_OF_MUSL},
};
use crate::{
    Result,
    install::{clear, install, read, write},
    target::{System, Target},
};

/// What runs the programs of another processor, in the place.
const EMULATOR: &str = "/emulator";
/// The CA certificates, here and there: a transmitter does not send without any.
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
        let (release, names): (_, &[&str]) = match target.system {
            System::Gnu => (None, &["python3", "libstdc++6"]),
            // The interpreters need that of Alpine 3.21 or later.
            _ => (Some("trixie"), &["musl"]),
        };
        let emulated = target.processor() != consts::ARCH;
        fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
        let list = work.join(format!("{}.list", target.triple));
        write(
            &list,
            [names, &[release.unwrap_or_default(), NODE, PYTHON_OF_MUSL]].concat().join("\n").as_bytes(),
        )?;
        install(&list, &work.join(format!("{}.made-from", target.triple)), &folder, || {
            Packages { processor: target.processor(), release, names }.unpack(&work, &folder)?;
            for name in ["etc/ssl/certs", "lib", "usr/bin"] {
                fs::create_dir_all(folder.join(name))?;
            }
            write(&folder.join(&AUTHORITIES[1..]), &read(Path::new(AUTHORITIES))?)?;
            pypi::node(&work, target, &folder)?;
            if target.system == System::Musl {
                pypi::python_of_musl(&work, target, &folder)?;
                musl(&folder, target.processor())?;
            }
            if emulated { emulator(&work, target, &folder) } else { Ok(()) }
        })?;
        // What was tried before must not be taken for it.
        for name in ["app", "tmp"] {
            clear(&folder.join(name))?;
            fs::create_dir_all(folder.join(name))?;
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

/// musl where Alpine has it, and the folder of libraries that it looks in.
fn musl(folder: &Path, processor: &str) -> Result {
    let libc = folder.join(format!("usr/lib/{processor}-linux-musl/libc.so"));
    for name in ["ld-musl", "libc.musl"] {
        let to = folder.join(format!("lib/{name}-{processor}.so.1"));
        fs::copy(&libc, &to).map_err(|error| format!("{}: {error}", libc.display()))?;
        executable(&to)?;
    }
    write(&folder.join(format!("etc/ld-musl-{processor}.path")), b"/lib:/usr/lib\n")
}

/// What runs the programs of another processor, with a shell of this one.
fn emulator(work: &Path, target: &Target, folder: &Path) -> Result {
    let tools = work.join("tools");
    let names = ["qemu-user-static", "busybox-static"];
    Packages { processor: consts::ARCH, release: None, names: &names }.unpack(work, &tools)?;
    let qemu = format!("usr/bin/qemu-{}-static", target.processor());
    for (from, to) in [(qemu.as_str(), EMULATOR), ("bin/busybox", SHELL)] {
        fs::copy(tools.join(from), folder.join(&to[1..])).map_err(|error| format!("{from}: {error}"))?;
    }
    Ok(())
}

#[cfg(unix)]
pub(super) fn executable(file: &Path) -> Result {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    Ok(fs::set_permissions(file, mode).map_err(|error| format!("{}: {error}", file.display()))?)
}

#[cfg(not(unix))]
pub(super) fn executable(_: &Path) -> Result {
    Ok(())
}
