//! The fences around the engine: modules and crates use only what `core/modules.toml` lists; no runtime and no HTTP client, no
//! clock and no randomness of its own. And around what is installed in production: nothing of the tools.

use std::{fs, path::Path};

use crate::{Result, imports, release::versions, run::cargo};

/// Crates that only the feature `client` may bring in.
const OUTSIDE: &[&str] = &["tokio", "reqwest", "hyper"];

/// What is installed in production.
const PRODUCTION: &[&str] =
    &["ssf-transmitter", "ssf-transmitter-node", "ssf-transmitter-python", "ssf-transmitter-swift"];
/// What the command and the emulator alone may bring in: a web server, a second JOSE library, a command line.
const TOOLS: &[&str] = &["axum", "clap", "jsonwebtoken", "rsa", "ssf-emulator", "ssf-cli"];

/// Where the system clock and random bytes may be named: each in its one module.
const MODULES: &[(&str, &[&str])] =
    &[("time.rs", &["SystemTime::now", "Instant::now"]), ("random.rs", &["getrandom::", "rand_bytes"])];

pub(crate) fn run(root: &Path) -> Result {
    imports::check(root)?;
    dependencies(root)?;
    versions::check(root)?;
    sources(root)
}

fn dependencies(root: &Path) -> Result {
    lacks(root, "ssf-transmitter --no-default-features", OUTSIDE)?;
    PRODUCTION.iter().try_for_each(|package| lacks(root, package, TOOLS))
}

/// Refuses dependencies of these names, however far below the package.
fn lacks(root: &Path, package: &str, banned: &[&str]) -> Result {
    let tree = cargo(root, &format!("tree -p {package} -e normal --prefix none --locked")).output()?;
    if !tree.contains("josekit") {
        return Err(format!("cargo tree does not show the dependencies of {package}").into());
    }
    match tree.lines().find(|line| banned.iter().any(|name| line.split(' ').next() == Some(name))) {
        Some(line) => Err(format!("{package} depends on {line}").into()),
        None => Ok(()),
    }
}

/// clippy.toml bans these calls; that no file but the one module allows them again is checked here.
fn sources(root: &Path) -> Result {
    let mut allowed = Vec::new();
    visit(&root.join("core/src"), &mut |path, text| {
        if text.contains("disallowed_methods") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            allowed.push(name);
        }
        for (module, calls) in MODULES {
            let found = calls.iter().find(|call| text.contains(**call) && !path.ends_with(module));
            if let Some(call) = found {
                return Err(format!("{}: {call} belongs in {module} alone", path.display()).into());
            }
        }
        Ok(())
    })?;
    allowed.sort();
    let expected: Vec<_> = ["random.rs", "time.rs"].map(str::to_owned).into();
    if allowed == expected {
        Ok(())
    } else {
        Err(format!("the clock and randomness fence is open in {allowed:?}").into())
    }
}

fn visit(folder: &Path, check: &mut impl FnMut(&Path, &str) -> Result) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            visit(&path, check)?;
        } else {
            check(&path, &fs::read_to_string(&path)?)?;
        }
    }
    Ok(())
}
