//! The page of `ssf receiver` in a headless browser (`tests/page/`).

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    Result, cli,
    install::{call, install, read, write},
    node::NPM,
    run::build,
};

/// How the browser is called where it is installed.
const BROWSERS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];
const BROWSER_ADVICE: &str = "install Chromium (on Debian: apt-get install chromium), or name it in CHROMIUM";
const NODE_ADVICE: &str = "install Node.js 20 or newer with npm (https://nodejs.org/en/download)";

const SCRIPTS: &[&str] = &["page.test.mjs", "receiver.mjs", "screenshot.mjs"];

/// Tests the page.
pub(crate) fn test(root: &Path) -> Result {
    let mut node = node(root)?;
    call(
        node.args(["--test", "--test-reporter=spec", "page.test.mjs"]),
        "node --test page.test.mjs",
        NODE_ADVICE,
    )
}

/// Takes the picture that the README shows.
pub(crate) fn screenshot(root: &Path) -> Result {
    let picture = root.join("docs/images/receiver.png");
    call(node(root)?.arg("screenshot.mjs").arg(&picture), "node screenshot.mjs", NODE_ADVICE)?;
    println!("wrote {}", picture.display());
    Ok(())
}

/// Node, where the scripts and what they need are. Builds the command; the rest is installed below `target/page/` once, and again
/// where its versions have changed.
fn node(root: &Path) -> Result<Command> {
    build(root)?;
    let sources = root.join("tests/page");
    // Node.js looks for packages beside the script.
    let folder = root.join("target/page");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for file in [&["package.json", "package-lock.json"], SCRIPTS].concat() {
        write(&folder.join(file), &read(&sources.join(file))?)?;
    }
    let packages = folder.join("node_modules");
    let proof = packages.join("playwright-core/package.json");
    install(&sources.join("package-lock.json"), &packages.join(".installed-from"), &proof, || {
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        let mut npm = Command::new(NPM);
        call(npm.args(arguments).current_dir(&folder).stdout(Stdio::null()), "npm ci", NODE_ADVICE)
    })?;
    let mut node = Command::new("node");
    node.current_dir(&folder).env("SSF_COMMAND", cli::program(root)).env("CHROMIUM", browser()?);
    Ok(node)
}

fn browser() -> Result<PathBuf> {
    if let Some(browser) = env::var_os("CHROMIUM") {
        return Ok(browser.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut candidates =
        env::split_paths(&path).flat_map(|folder| BROWSERS.iter().map(move |name| folder.join(name)));
    Ok(candidates.find(|candidate| candidate.is_file()).ok_or(BROWSER_ADVICE)?)
}
