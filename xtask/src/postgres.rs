//! The PostgreSQL server that tests start for themselves.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    Result,
    run::{build, example_program, program},
};

/// Where Debian's packages have their programs, a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Where tests in other languages find the URL of a server.
pub(crate) const VARIABLE: &str = "SSF_TEST_POSTGRES";

/// Debian's packages, and the program for which each is needed.
const SERVER: (&str, &str) = ("postgresql", "postgres");
const POOLER: (&str, &str) = ("pgbouncer", "pgbouncer");

/// Installs Debian's packages, unless there are a server and a pooler.
pub(crate) fn install(root: &Path) -> Result {
    install_each(root, &[SERVER, POOLER])
}

fn install_each(root: &Path, packages: &[(&str, &str)]) -> Result {
    for (package, name) in packages {
        if !is_installed(name) {
            let install = || {
                program(root, "apt-get", &format!("install --yes --no-install-recommends {package}")).run()
            };
            // The lists of packages may be missing or old.
            install()
                .or_else(|_| program(root, "apt-get", "update").run().and_then(|()| install()))
                .map_err(|error| format!("the tests need {package}; install it ({error})"))?;
        }
    }
    Ok(())
}

fn is_installed(name: &str) -> bool {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let of_debian = versions.map(|version| version.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let system = [PathBuf::from("/usr/sbin")];
    of_debian.chain(env::split_paths(&path)).chain(system).any(|folder| folder.join(&name).exists())
}

/// A server for tests in other languages. It ends when this is dropped, or with this program.
pub(crate) struct Server {
    pub(crate) url: String,
    process: Child,
}

impl Server {
    /// Starts an empty server, as the Rust tests do.
    pub(crate) fn start(root: &Path) -> Result<Self> {
        // The pooler is for the tests in Rust, which are not run on every platform.
        install_each(root, &[SERVER])?;
        build(root)?;
        let mut command = Command::new(example_program(root, "server"));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        if let Some(said) = process.stdout.take() {
            BufReader::new(said).read_line(&mut url)?;
        }
        let server = Self { url: url.trim().to_owned(), process };
        if server.url.is_empty() { Err("PostgreSQL did not start".into()) } else { Ok(server) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}
