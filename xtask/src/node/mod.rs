//! The Node package: one build, tested on the oldest and a newer line of Node that it supports.

mod interpreters;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    Result,
    bill::{Artefact, Bill},
    cli, contenders,
    elf::{Library, hides_sqlite},
    install::{call, call_together, clear, install, read, write},
    linkage,
    openssl::{self, Variables},
    postgres,
    run::{build, cargo, target},
    shipped,
    target::Target,
    trial,
};

pub(crate) use interpreters::binaries_of;
use interpreters::{oldest, other, version};

/// The version of better-sqlite3 that is measured beside the outbox: the last line for the oldest Node.
const BETTER_SQLITE3: &str = "12.11.1";

pub(crate) const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };
const ADVICE: &str = "install Node.js 20 with npm (https://nodejs.org/en/download)";

/// Builds the package with the profile of the tests and runs everything against it. What that needs is installed below
/// `target/node/` once, and again where its versions have changed.
pub(crate) fn test(root: &Path) -> Result {
    let package = root.join("bindings-node");
    let work = root.join("target/node");
    let oldest = oldest()?;
    tools(&package, &work)?;
    let other = other(&work)?;
    build(root)?;

    node(&package, &oldest, &["scripts/build.mjs", "dev"])?;
    for binary in binaries(&package)? {
        if cfg!(target_os = "linux") {
            check_stays_loaded(&binary)?;
        }
        hides_sqlite(&binary)?;
    }
    let biome = ["check", "--config-path=.", ".", "../examples/node", "../cli/npm"];
    tool(&package, "@biomejs/biome/bin/biome", &biome)?;
    tool(&package, "typescript/bin/tsc", &["--project", "test/types"])?;
    // An example uses the schema that all share, so each has a database of its own.
    let databases = [postgres::Server::start(root)?, postgres::Server::start(root)?];
    // At once: they wait most of the time.
    let both = [&oldest, &other].into_iter().zip(&databases);
    let both = both.map(|(program, database)| Ok((version(program)?, tests(&package, program, database)?)));
    call_together(both.collect::<Result<_>>()?, 2, ADVICE)?;
    packed(&package, &oldest, &work)
}

/// Packs the package as the tests build it, and returns the tarball.
pub(crate) fn pack(root: &Path) -> Result<PathBuf> {
    let (package, work) = (root.join("bindings-node"), root.join("target/node"));
    let oldest = oldest()?;
    tools(&package, &work)?;
    build(root)?;
    node(&package, &oldest, &["scripts/build.mjs", "dev"])?;
    packed(&package, &oldest, &work)?;
    Ok(work.join(format!("packed/ssf-transmitter-{}.tgz", env!("CARGO_PKG_VERSION"))))
}

/// Packs it below `packed/`, and tries it there.
fn packed(package: &Path, program: &Path, work: &Path) -> Result {
    node(package, program, &["scripts/packed.mjs", &work.join("packed").to_string_lossy()])
}

/// The tests with a module that is built with these variables; `prepare` has the last word on how they run.
pub(crate) fn sanitize(root: &Path, variables: &Variables, prepare: impl Fn(&mut Command)) -> Result {
    let (package, program) = (root.join("bindings-node"), oldest()?);
    tools(&package, &root.join("target/node"))?;
    build(root)?;
    let mut build = Command::new(&program);
    build.current_dir(&package).envs(variables).args(["scripts/build.mjs", "dev"]);
    call(&mut build, "node", ADVICE)?;
    let database = postgres::Server::start(root)?;
    let mut tests = tests(&package, &program, &database)?;
    prepare(&mut tests);
    let tested = call(&mut tests, "node", ADVICE);
    // It loads nowhere else.
    binaries(&package)?.iter().try_for_each(fs::remove_file)?;
    tested
}

/// Builds what is released for a platform, the package and the one with the binary, and packs them into `target/dist/`
/// when they have passed their tests.
pub(crate) fn dist(root: &Path, target: &'static Target) -> Result {
    let package = root.join("bindings-node");
    let program = PathBuf::from("node");
    let released = target.released(root, "node");
    clear(&released)?;
    release(root, target)?;
    let binary = package.join(format!("dist/ssf-transmitter.{}.node", target.npm));
    openssl::check(&binary)?;
    linkage::check(&binary, target)?;
    if target.system.is_linux() {
        check_stays_loaded(&binary)?;
    }
    if target.is_here() {
        build(root)?;
        let database = postgres::Server::start(root)?;
        call(&mut tests(&package, &program, &database)?, "node", ADVICE)?;
        node(
            &package,
            &program,
            &["scripts/packed.mjs", &root.join("target/node/packed").to_string_lossy()],
        )?;
    }
    let bill = Bill::read(root, Artefact::Node, target)?.write(root)?;
    let packages = root.join("target/node/released").join(target.triple);
    let [folder, licences] = [&packages, &bill.licences].map(|path| path.to_string_lossy());
    node(&package, &program, &["scripts/dist.mjs", target.npm, &folder, &licences])?;
    if target.system.is_linux() {
        trial::node(root, target, &packages, &cli::build_released(root, target)?)?;
    }
    fs::create_dir_all(&released).map_err(|error| format!("{}: {error}", released.display()))?;
    for name in ["ssf-transmitter", target.npm] {
        npm(&released, &["pack", &packages.join(name).to_string_lossy()])?;
    }
    bill.release(&target.released(root, "sbom"))
}

/// Writes the public API into a file; `work` is for what is made on the way.
pub(crate) fn surface(root: &Path, work: &Path, file: &Path) -> Result {
    let package = root.join("bindings-node");
    tools(&package, &root.join("target/node"))?;
    let [work, file] = [work, file].map(|path| path.to_string_lossy());
    node(&package, &PathBuf::from("node"), &["scripts/surface.mjs", &work, &file])
}

/// Measures what is released beside what people use instead.
pub(crate) fn bench(root: &Path) -> Result {
    build(root)?;
    release(root, Target::here()?)?;
    let (package, program) = (root.join("bindings-node"), PathBuf::from("node"));
    node(&package, &program, &["benches/bench.mjs"])?;
    let work = root.join("target/node");
    let peer = better_sqlite3(&work)?;
    cargo(root, "build --release --locked -p ssf-transmitter-store --example enqueue").run()?;
    let example = target(root).join("release/examples/enqueue");
    let [work, example, peer] = [&work, &example, &peer].map(|path| path.to_string_lossy().into_owned());
    node(&package, &program, &["benches/outbox.mjs", &work, &example, &peer])
}

/// The newer Node, and copies of the scripts beside the packages that they need.
pub(crate) fn contenders(work: &Path, sources: &Path, folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let program = other(work)?;
    contenders::scripts(sources, folder, |folder| npm(folder, &["ci"]))?;
    Ok((program, folder.to_owned()))
}

/// Where better-sqlite3 is. npm compiles it where there is no binary of it; only the benchmark needs it.
fn better_sqlite3(work: &Path) -> Result<PathBuf> {
    let folder = work.join("better-sqlite3");
    let module = folder.join("node_modules/better-sqlite3/lib/index.js");
    if !module.exists() {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        write(&folder.join("package.json"), b"{ \"private\": true }\n")?;
        let version = format!("better-sqlite3@{BETTER_SQLITE3}");
        let mut command = Command::new(NPM);
        command.current_dir(&folder).args(["install", "--no-save", "--no-audit", "--no-fund", &version]);
        call(&mut command, "npm", ADVICE)?;
    }
    Ok(module)
}

/// Builds the package as it is released for a platform, in `bindings-node/dist/`.
fn release(root: &Path, target: &Target) -> Result {
    let package = root.join("bindings-node");
    tools(&package, &root.join("target/node"))?;
    println!("$ node scripts/build.mjs release {}", target.npm);
    let mut build = Command::new("node");
    build.current_dir(&package).envs(&shipped::variables(root, target)?);
    build.args(["scripts/build.mjs", "release", target.npm]).args(target.cross());
    call(&mut build, "node", ADVICE)
}

/// The native modules of a built package.
fn binaries(package: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(package.join("dist"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "node") {
            found.push(path);
        }
    }
    Ok(found)
}

/// Refuses a binary that Linux would unload with the last worker thread that has it.
fn check_stays_loaded(binary: &Path) -> Result {
    if Library::open(binary)?.nodelete {
        Ok(())
    } else {
        Err(format!("{} is not linked with -z nodelete", binary.display()).into())
    }
}

/// The npm packages of the lock file, below `target/node/tools`, with a link to them where Node looks.
fn tools(package: &Path, work: &Path) -> Result {
    let folder = work.join("tools");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let lock = package.join("package-lock.json");
    let packages = folder.join("node_modules");
    let proof = packages.join("typescript/package.json");
    install(&lock, &packages.join(".installed-from"), &proof, || {
        for file in ["package.json", "package-lock.json"] {
            write(&folder.join(file), &read(&package.join(file))?)?;
        }
        npm(&folder, &["ci"])
    })?;
    let link = package.join("node_modules");
    // What somebody has installed there is left alone.
    if fs::symlink_metadata(&link).is_err() { link_folder(&packages, &link) } else { Ok(()) }
}

/// The tests of the package.
fn tests(package: &Path, program: &Path, database: &postgres::Server) -> Result<Command> {
    let mut command = Command::new(program);
    command
        .current_dir(package)
        .args(["--test", "--test-concurrency=4", "--test-reporter=dot"])
        .args(files(package)?);
    command.env(postgres::VARIABLE, &database.url).env("SSF_COMMAND", cli::program(&package.join("..")));
    Ok(command)
}

/// The files with tests.
fn files(package: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(package.join("test"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".test.mjs") {
            names.push(format!("test/{name}"));
        }
    }
    names.sort();
    Ok(names)
}

/// Runs a script in the package. The emulator that it may start is the command of the tests.
fn node<A: AsRef<str>>(package: &Path, program: &Path, arguments: &[A]) -> Result {
    let arguments: Vec<_> = arguments.iter().map(AsRef::as_ref).collect();
    println!("$ node {}", arguments.join(" "));
    let mut command = Command::new(program);
    command.env("SSF_COMMAND", cli::program(&package.join("..")));
    call(command.current_dir(package).args(arguments), "node", ADVICE)
}

/// A tool of the lock file, run by Node.
fn tool(package: &Path, script: &str, arguments: &[&str]) -> Result {
    let script = format!("node_modules/{script}");
    node(package, &PathBuf::from("node"), &[&[script.as_str()][..], arguments].concat())
}

fn npm(folder: &Path, arguments: &[&str]) -> Result {
    let quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let mut command = Command::new(NPM);
    call(command.current_dir(folder).args(arguments).args(quiet).stdout(Stdio::null()), "npm", ADVICE)
}

#[cfg(unix)]
fn link_folder(folder: &Path, link: &Path) -> Result {
    Ok(std::os::unix::fs::symlink(folder, link).map_err(|error| format!("{}: {error}", link.display()))?)
}

#[cfg(windows)]
fn link_folder(folder: &Path, link: &Path) -> Result {
    Ok(std::os::windows::fs::symlink_dir(folder, link)
        .map_err(|error| format!("{}: {error}; symbolic links need the developer mode", link.display()))?)
}
