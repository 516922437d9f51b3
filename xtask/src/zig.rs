//! zig compiles and links for other systems than this one: Linux with an older glibc, with musl, on another processor.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    install::{call, install, read, write},
    openssl::Variables,
    target::{System, Target},
};

const REQUIREMENTS: &str = "xtask/zig/requirements.txt";

/// What makes cargo compile and link for a platform with zig. Nothing where zig is not needed.
pub(crate) fn variables(root: &Path, target: &Target) -> Result<Variables> {
    let Some(name) = target.zig() else {
        return Ok(Variables::new());
    };
    let zig = Zig::install(root, target, &name)?;
    let linker = match target.system {
        // rustc takes `ld` for a linker with other options.
        System::Gnu => {
            zig.script("linker", &format!("cc -- {} {}", zig.for_target(), zig.unwinder(root)?))?
        }
        _ => zig.compiler()?,
    };
    let mut variables = vec![(target.setting("LINKER"), linker)];
    // On this machine its own compiler has made what the tests have tried.
    if target.cross().is_some() {
        let triple = target.triple.replace('-', "_");
        variables.push((format!("CC_{triple}"), zig.compiler()?));
        for tool in ["ar", "ranlib"] {
            variables.push((
                format!("{}_{triple}", tool.to_uppercase()),
                zig.script(tool, &format!("{tool} --"))?,
            ));
        }
    }
    Ok(variables.into_iter().map(|(name, path)| (name, path.to_string_lossy().into_owned())).collect())
}

/// The version of zig, and where its sources are: it links some of them.
pub(crate) fn sources(root: &Path, target: &Target) -> Result<(String, PathBuf)> {
    let name = target.zig().ok_or("zig does not link for this platform")?;
    let zig = Zig::install(root, target, &name)?;
    let list = fs::read_to_string(root.join(REQUIREMENTS))?;
    let version = list.lines().find_map(|line| line.strip_prefix("ziglang==")).ok_or("no version of zig")?;
    let mut packages = fs::read_dir(zig.venv.join("lib"))?.flatten().map(|entry| entry.path());
    let packages =
        packages.find(|path| path.join("site-packages").exists()).ok_or("Python has no packages")?;
    Ok((version.to_owned(), packages.join("site-packages/ziglang")))
}

/// zig, for one platform.
struct Zig {
    /// Its name of the platform.
    name: String,
    venv: PathBuf,
    /// Where the programs are that call it for this platform.
    folder: PathBuf,
}

impl Zig {
    /// Installs zig below `target/zig/`, unless it is installed.
    fn install(root: &Path, target: &Target, name: &str) -> Result<Self> {
        let work = root.join("target/zig");
        let (venv, folder) = (work.join("venv"), work.join(target.triple));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let zig = Self { name: name.to_owned(), venv, folder };
        let requirements = root.join(REQUIREMENTS);
        install(&requirements, &work.join("installed-from"), &zig.wrapper(), || {
            let advice =
                "install Python 3 with venv and pip (on Debian and Ubuntu: python3-venv, python3-pip)";
            let mut make = Command::new("python3");
            call(make.args(["-m", "venv", "--clear"]).arg(&zig.venv), "python3 -m venv", advice)?;
            let mut pip = Command::new(zig.venv.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
            call(pip.arg(&requirements), "pip", advice)
        })?;
        Ok(zig)
    }

    /// It hands zig what rustc hands a linker.
    fn wrapper(&self) -> PathBuf {
        self.venv.join("bin/cargo-zigbuild")
    }

    /// The C compiler. For zig, the date in a library, as mimalloc has it, is an error.
    fn compiler(&self) -> Result<PathBuf> {
        self.script("cc", &format!("cc -- {} -Wno-date-time", self.for_target()))
    }

    fn for_target(&self) -> String {
        format!("-g -target {}", self.name)
    }

    /// What the linker takes the unwinder from, with the flags for it.
    ///
    /// cargo-zigbuild replaces `-lgcc_s` by zig's own unwinder. libgcc comes before it on the line, so that everything
    /// is found there, and nothing is taken of zig's. Only its names and their versions matter.
    fn unwinder(&self, root: &Path) -> Result<String> {
        let library = self.folder.join(crate::glibc::LIBGCC);
        let [source, versions] = ["libgcc.c", "libgcc.map"].map(|name| root.join("xtask/zig").join(name));
        let both = self.folder.join("libgcc.sources");
        write(&both, &[read(&source)?, read(&versions)?].concat())?;
        install(&both, &self.folder.join("libgcc.built-from"), &library, || {
            let mut link = Command::new(self.compiler()?);
            link.args(["-shared", "-nostdlib", "-o"]).arg(&library).arg(&source);
            link.arg(format!("-Wl,-soname,{}", crate::glibc::LIBGCC));
            call(link.arg(format!("-Wl,--version-script={}", versions.display())), "zig cc", "see above")
        })?;
        Ok(format!("'{}' -Wl,--allow-shlib-undefined", library.display()))
    }

    /// Writes a program that calls zig.
    fn script(&self, name: &str, arguments: &str) -> Result<PathBuf> {
        let script = self.folder.join(name);
        let (python, wrapper) = (self.venv.join("bin/python"), self.wrapper());
        let text = format!(
            "#!/bin/sh\nCARGO_ZIGBUILD_PYTHON_PATH='{}' exec '{}' zig {arguments} \"$@\"\n",
            python.display(),
            wrapper.display(),
        );
        write(&script, text.as_bytes())?;
        #[cfg(unix)]
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(script)
    }
}
