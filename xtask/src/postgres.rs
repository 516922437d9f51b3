//! The PostgreSQL server that tests start for themselves.

use std::{env, fs, path::Path};

use crate::{Result, run::program};

/// Where Debian's packages have their programs, a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Installs Debian's package, unless there is a server.
pub(crate) fn install(root: &Path) -> Result {
    if is_installed() {
        return Ok(());
    }
    let install = program(root, "apt-get", "install --yes --no-install-recommends postgresql");
    install.run().map_err(|error| format!("the tests need a PostgreSQL server; install one ({error})").into())
}

fn is_installed() -> bool {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let of_debian = versions.map(|version| version.path().join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    of_debian.chain(env::split_paths(&path)).any(|folder| folder.join("postgres").exists())
}
