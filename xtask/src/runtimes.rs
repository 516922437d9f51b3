//! What people use beside the versions that the full tests run on: other lines of Node, Bun, Deno, pnpm and Yarn, and
//! the versions of Python in between. With each, the package of the tests signs a SET and delivers it to the emulator.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use crate::{
    Result, cli,
    install::{call, clear, install, read, write},
    node::{self, NPM},
    python,
};

/// What is installed from npm, beside the versions of Node that hold it on [`LINES`].
const TOOLS: &[&str] = &["bun@1.4.5", "deno@2.9.6", "pnpm@12.21.0", "@yarnpkg/cli-dist@4.18.1"];
/// The lines of Node that have no full tests.
const LINES: &[&str] = &["22.23.5", "26.10.0"];
const SCRIPT: &str = "send.mjs";
const ADVICE: &str = "install Node.js 20 with npm (https://nodejs.org/en/download)";

pub(crate) fn run(root: &Path) -> Result {
    python::between(root)?;
    let tarball = node::pack(root)?;
    let work = root.join("target/node/runtimes");
    let tools = tools(&work)?;
    let tool = |name: &str| {
        let mut command = Command::new("node");
        command.arg(tools.join(name));
        command
    };

    let app = project(root, &work, "app", &tarball)?;
    let mut npm = Command::new(NPM);
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    call(npm.current_dir(&app), "npm", ADVICE)?;
    for line in LINES {
        send(
            root,
            &app,
            &format!("Node {line}"),
            &mut Command::new(tools.join(alias(line)).join("bin/node")),
        )?;
    }
    for (name, program, arguments) in [("Bun", "bun", &[][..]), ("Deno", "deno", &["run", "--allow-all"])] {
        send(root, &app, name, Command::new(tools.join(".bin").join(program)).args(arguments))?;
    }

    let app = project(root, &work, "pnpm", &tarball)?;
    let mut pnpm = Command::new(tools.join(".bin/pnpm"));
    call(pnpm.current_dir(&app).args(["install", "--ignore-scripts", "--silent"]), "pnpm", ADVICE)?;
    send(root, &app, "pnpm", &mut Command::new("node"))?;

    let app = project(root, &work, "yarn", &tarball)?;
    let yarn = || tool("@yarnpkg/cli-dist/bin/yarn.js");
    let settings =
        "nodeLinker: pnp\npnpEnableEsmLoader: true\nenableTelemetry: false\nenableImmutableInstalls: false\n";
    write(&app.join(".yarnrc.yml"), settings.as_bytes())?;
    // Where one is, Yarn takes no folder above for its project.
    write(&app.join("yarn.lock"), b"")?;
    call(yarn().current_dir(&app).arg("install").stdout(Stdio::null()), "yarn", ADVICE)?;
    send(root, &app, "Yarn PnP", yarn().arg("node"))
}

/// Runs the script in the folder of a project.
fn send(root: &Path, app: &Path, name: &str, runtime: &mut Command) -> Result {
    let runtime = runtime.current_dir(app).arg(SCRIPT).env("SSF_COMMAND", cli::program(root));
    let output = runtime.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{name} does not start: {error}"))?;
    let said = String::from_utf8(output.stdout)?;
    if output.status.success() && said.trim() == "202" {
        println!("{name}: a SET was delivered");
        return Ok(());
    }
    Err(format!("{name}: {}, and it says {said:?}", output.status).into())
}

/// An empty project that depends on the package.
fn project(root: &Path, work: &Path, name: &str, tarball: &Path) -> Result<PathBuf> {
    let folder = work.join(name);
    clear(&folder)?;
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let manifest = json!({
        "private": true,
        "dependencies": { "ssf-transmitter": format!("file:{}", tarball.display()) },
    });
    write(&folder.join("package.json"), manifest.to_string().as_bytes())?;
    write(&folder.join(SCRIPT), &read(&root.join("bindings-node/scripts").join(SCRIPT))?)?;
    Ok(folder)
}

/// Installs runtimes and package managers, and returns the folder of their packages.
fn tools(work: &Path) -> Result<PathBuf> {
    let folder = work.join("tools");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let lines = LINES.iter().map(|line| format!("{}@npm:{}@{line}", alias(line), node::binaries_of()));
    let wanted: Vec<_> = TOOLS.iter().map(|&tool| tool.to_owned()).chain(lines).collect();
    let list = folder.join("wanted");
    write(&list, wanted.join("\n").as_bytes())?;
    let packages = folder.join("node_modules");
    install(&list, &folder.join("installed-from"), &packages, || {
        write(&folder.join("package.json"), b"{ \"private\": true }\n")?;
        let mut npm = Command::new(NPM);
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]).args(&wanted);
        call(npm.current_dir(&folder), "npm", ADVICE)
    })?;
    Ok(packages)
}

/// The name under which a version of Node is installed.
fn alias(version: &str) -> String {
    format!("node-{version}")
}
