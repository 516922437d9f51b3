//! The virtual environments in which wheels are built, installed and tested.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{ADVICE, TESTS, VERSIONS};
use crate::{
    Result,
    install::{call, clear, install},
    postgres,
};

/// A virtual environment.
pub(crate) struct Venv {
    pub(super) folder: PathBuf,
}

impl Venv {
    /// Makes the virtual environment for a version, with what the tests need in it.
    pub(super) fn make(work: &Path, package: &Path, version: &str) -> Result<Self> {
        Self::make_in(&work.join(version), package, version)
    }

    pub(super) fn make_in(folder: &Path, package: &Path, version: &str) -> Result<Self> {
        let venv = Self::make_empty(folder, version)?;
        venv.install(&package.join("requirements/tests.txt"))?;
        Ok(venv)
    }

    pub(super) fn make_empty(folder: &Path, version: &str) -> Result<Self> {
        let venv = Self { folder: folder.to_owned() };
        if !venv.program("python").exists() {
            let interpreter = interpreter(version)?;
            call(
                Command::new(&interpreter).args(["-m", "venv", "--clear"]).arg(&venv.folder),
                "venv",
                ADVICE,
            )?;
        }
        Ok(venv)
    }

    /// Installs the packages of a list, unless they are installed.
    pub(super) fn install(&self, list: &Path) -> Result {
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        install(list, &self.stamp(list), &self.program("python"), || {
            call(Command::new(self.program("python")).args(pip).arg(list), "pip", ADVICE)
        })
    }

    /// Installs a wheel, unless this very one is installed.
    pub(super) fn install_wheel(&self, wheel: &Path) -> Result {
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--force-reinstall",
        ];
        let name = wheel.file_name().unwrap_or_default().to_string_lossy();
        let package = name.split('-').next().unwrap_or_default();
        install(wheel, &self.stamp(Path::new(package)), &self.program("python"), || {
            call(Command::new(self.program("python")).args(pip).arg(wheel), "pip", ADVICE)
        })
    }

    /// Puts a program where its wheel would.
    pub(super) fn place(&self, program: &Path) -> Result {
        let name = program.file_stem().unwrap_or_default().to_string_lossy();
        let (to, new) = (self.program(&name), self.program(&format!("{name}.new")));
        // Replaced, not overwritten: a process may run the one that is there.
        fs::copy(program, &new)
            .and_then(|_| fs::rename(&new, &to))
            .map_err(|error| format!("{}: {error}", to.display()).into())
    }

    /// Unpacks a wheel, which may be for another platform, and returns the file in it whose path ends with `name`.
    pub(crate) fn unpack(&self, wheel: &Path, folder: &Path, name: &str) -> Result<PathBuf> {
        clear(folder)?;
        let unpack = "import sys, zipfile; wheel = zipfile.ZipFile(sys.argv[1]); wheel.extractall(sys.argv[2]); \
                      print(*wheel.namelist(), sep='\\n')";
        let mut command = Command::new(self.program("python"));
        let output =
            command.args(["-I", "-c", unpack]).arg(wheel).arg(folder).stderr(Stdio::inherit()).output()?;
        let files = String::from_utf8(output.stdout)?;
        match files.lines().find(|file| file.ends_with(name)) {
            Some(file) => Ok(folder.join(file)),
            None => Err(format!("{} contains no {name}", wheel.display()).into()),
        }
    }

    /// The tests of the package.
    pub(super) fn tests(&self, package: &Path, database: &postgres::Server) -> Command {
        let mut command = Command::new(self.program("python"));
        command.current_dir(package).args(TESTS).env(postgres::VARIABLE, &database.url);
        command
    }

    /// Runs a program of the environment in `folder`.
    pub(super) fn run(&self, folder: &Path, name: &str, arguments: &[&str]) -> Result {
        println!("$ {name} {}", arguments.join(" "));
        let mut command = Command::new(self.program(name));
        call(command.current_dir(folder).args(arguments), name, ADVICE)
    }

    /// The native library of the installed package.
    pub(super) fn native(&self) -> Result<PathBuf> {
        let file = self.tell("import ssf_transmitter._native as native; print(native.__file__)")?;
        Ok(PathBuf::from(file.trim()))
    }

    /// What a line of Python prints.
    pub(super) fn tell(&self, line: &str) -> Result<String> {
        let mut command = Command::new(self.program("python"));
        let output = command.args(["-I", "-c", line]).stderr(Stdio::inherit()).output()?;
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)?)
        } else {
            Err(format!("python -c \"{line}\": {}", output.status).into())
        }
    }

    /// A program of the environment.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(if cfg!(windows) { "Scripts" } else { "bin" });
        folder.join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    fn stamp(&self, of: &Path) -> PathBuf {
        let name = of.file_name().unwrap_or_default().to_string_lossy();
        self.folder.join(format!(".installed-{name}"))
    }
}

/// An interpreter of this version: the one on the path, or one that pyenv has.
fn interpreter(version: &str) -> Result<PathBuf> {
    let name = PathBuf::from(format!("python{version}"));
    // One that pyenv has put on the path may be a mere hint at it.
    let works = |program: &Path| {
        Command::new(program).arg("--version").output().is_ok_and(|run| run.status.success())
    };
    let pyenv = env::var_os("PYENV_ROOT")
        .map_or_else(|| env::home_dir().unwrap_or_default().join(".pyenv"), PathBuf::from);
    let installed = fs::read_dir(pyenv.join("versions")).into_iter().flatten().flatten();
    let theirs = installed
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&format!("{version}.")))
        .map(|entry| entry.path().join("bin").join(&name));
    std::iter::once(name.clone()).chain(theirs).find(|program| works(program)).ok_or_else(|| {
        let advice =
            format!("install Python {version}, with venv and pip, so that python{version} is on the path");
        format!(
            "the package is tested on Python {}; {advice} (https://www.python.org/downloads/)",
            VERSIONS.join(" and ")
        )
        .into()
    })
}
