//! The Python package: one wheel, tested on the oldest and the newest version of Python that it supports.

mod venv;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use crate::{
    Result,
    bill::{Artefact, Bill, LICENCES},
    cli, elf,
    install::{call, call_together, clear},
    linkage,
    openssl::{self, Variables},
    postgres,
    run::{self, cargo, target},
    shipped,
    target::{System, Target},
    trial,
};

use venv::Venv;

const ADVICE: &str = "install Python with venv and pip (https://www.python.org/downloads/)";

/// The oldest and the newest version. The tools run on the oldest.
const VERSIONS: [&str; 2] = ["3.10", "3.13"];
/// Those that have no full tests.
const BETWEEN: [&str; 2] = ["3.11", "3.12"];

const TESTS: &[&str] =
    &["-m", "pytest", "--quiet", "--doctest-modules", "--pyargs", "ssf_transmitter", "tests"];

/// How maturin builds for the tests.
const DEV: &[&str] = &["--profile", "dev", "--compatibility", "off"];

/// Builds the wheel with the profile of the tests, installs it, and runs everything against what is installed. What that
/// needs is installed below `target/python/` once, and again where its versions have changed.
pub(crate) fn test(root: &Path) -> Result {
    let package = root.join("bindings-python");
    let venvs = trial(root)?;
    elf::hides_sqlite(&venvs[0].native()?)?;
    look(&package, &venvs[0])?;
    // Each has a database of its own: an example uses the schema that all share.
    let databases = [postgres::Server::start(root)?, postgres::Server::start(root)?];
    // At once: they wait most of the time.
    println!("$ python {}", TESTS.join(" "));
    let tests = venvs.iter().zip(&databases);
    let tests =
        tests.map(|(venv, database)| (venv.folder.display().to_string(), venv.tests(&package, database)));
    call_together(tests.collect(), VERSIONS.len(), ADVICE)
}

/// The interpreter of an environment with the packages of this list.
pub(crate) fn contenders(folder: &Path, list: &Path) -> Result<PathBuf> {
    let venv = Venv::make_empty(folder, VERSIONS[1])?;
    venv.install(list)?;
    Ok(venv.program("python"))
}

/// Forks so often while threads send, in all versions at once, and fails if a child hangs.
pub(crate) fn stress(root: &Path, rounds: u32) -> Result {
    let package = root.join("bindings-python");
    // The wheel that is released: it forks ten times as often as one for debugging.
    let (newest, wheel) = release(root)?;
    let venvs = [release_oldest(root, &wheel)?, newest];
    let each = rounds.div_ceil(u32::try_from(venvs.len())?).to_string();
    let run = |venv: &Venv| {
        let arguments = ["-W", "ignore", "tests/fork_stress.py", "--rounds", &each];
        venv.run(&package, "python", &arguments).map_err(|error| error.to_string())
    };
    thread::scope(|scope| {
        let runs: Vec<_> = venvs.iter().map(|venv| scope.spawn(|| run(venv))).collect();
        runs.into_iter().try_for_each(|run| Ok(run.join().map_err(|_| "a thread panicked")??))
    })
}

/// The tests with a wheel that is built with these variables, on the newest version; `prepare` has the last word on how they run.
pub(crate) fn sanitize(root: &Path, variables: &Variables, prepare: impl Fn(&mut Command)) -> Result {
    let package = root.join("bindings-python");
    let venv = Venv::make_in(&root.join("target/python/addresses"), &package, VERSIONS[1])?;
    venv.install(&package.join("requirements/tools.txt"))?;
    let wheel = build(&package, &venv, DEV, variables, &root.join("target/python/wheels-addresses"))?;
    venv.install_wheel(&wheel)?;
    venv.place(&command(root)?)?;
    let database = postgres::Server::start(root)?;
    let mut tests = venv.tests(&package, &database);
    prepare(&mut tests);
    call(&mut tests, "python", ADVICE)
}

/// Sends a SET with the wheel of the tests, on each version between the oldest and the newest.
pub(crate) fn between(root: &Path) -> Result {
    let oldest = Venv::make(&root.join("target/python"), &root.join("bindings-python"), VERSIONS[0])?;
    let (wheel, command) = (wheel(root, &oldest)?, command(root)?);
    for version in BETWEEN {
        let venv = Venv::make_empty(&root.join("target/python").join(version), version)?;
        venv.install_wheel(&wheel)?;
        venv.place(&command)?;
        venv.run(&root.join("examples/python"), "python", &["okta_first_set.py"])?;
    }
    Ok(())
}

/// An environment for each version, with the wheel of the tests and the command in it.
fn trial(root: &Path) -> Result<[Venv; 2]> {
    let package = root.join("bindings-python");
    let work = root.join("target/python");
    let [oldest, newest] = VERSIONS.map(|version| Venv::make(&work, &package, version));
    let venvs = [oldest?, newest?];
    let (wheel, command) = (wheel(root, &venvs[0])?, command(root)?);
    for venv in &venvs {
        venv.install_wheel(&wheel)?;
        venv.place(&command)?;
    }
    Ok(venvs)
}

/// The wheel of the tests.
fn wheel(root: &Path, venv: &Venv) -> Result<PathBuf> {
    let package = root.join("bindings-python");
    venv.install(&package.join("requirements/tools.txt"))?;
    build(&package, venv, DEV, &Variables::new(), &root.join("target/python/wheels"))
}

/// The command of the tests, with the emulator that they start. Its wheel puts it where [`Venv::place`] does, and is tried by
/// `cargo xtask dist cli`.
fn command(root: &Path) -> Result<PathBuf> {
    run::build(root)?;
    Ok(cli::program(root))
}

/// Builds the wheel that is released for a platform, with a tag for all machines that it runs on, and puts it into
/// `target/dist/` when it has passed the tests, and keeps what it promises.
pub(crate) fn dist(root: &Path, target: &'static Target) -> Result {
    let released = target.released(root, "python");
    clear(&released)?;
    let work = root.join("target/python/released").join(target.triple);
    let (venv, wheel) = self::released(root, Artefact::Python, &work.join("wheels"), target)?;
    let native = if target.system == System::Windows { "/_native.pyd" } else { "/_native.abi3.so" };
    let native = venv.unpack(&wheel, &work.join("wheel"), native)?;
    openssl::check(&native)?;
    linkage::check(&native, target)?;
    if target.system.is_linux() {
        trial::python(root, target, &wheel, &cli::build_released(root, target)?)?;
    }
    if target.is_here() {
        try_wheel(root, &venv, &wheel)?;
    }
    fs::create_dir_all(&released)?;
    let to = released.join(wheel.file_name().unwrap_or_default());
    println!("{}: {} kB", to.display(), fs::copy(wheel, &to)? / 1000);
    Ok(())
}

/// Runs the tests with the wheel that is released.
fn try_wheel(root: &Path, venv: &Venv, wheel: &Path) -> Result {
    let package = root.join("bindings-python");
    install_released(root, venv, wheel)?;
    venv.run(&package, "python", &["benches/promises.py"])?;
    let database = postgres::Server::start(root)?;
    call(&mut venv.tests(&package, &database), "python", ADVICE)?;
    // How the interpreter ends a thread differs between versions, and what happens then depends on how the wheel is linked.
    let oldest = release_oldest(root, wheel)?;
    oldest.run(&package, "python", &["-m", "pytest", "--quiet", "tests/test_interpreter_end.py"])
}

/// The wheel that is released, on the oldest version.
fn release_oldest(root: &Path, wheel: &Path) -> Result<Venv> {
    let package = root.join("bindings-python");
    let oldest = Venv::make_in(&root.join("target/python/release-oldest"), &package, VERSIONS[0])?;
    install_released(root, &oldest, wheel)?;
    Ok(oldest)
}

/// Installs a wheel that is released, with the command that its tests start.
fn install_released(root: &Path, venv: &Venv, wheel: &Path) -> Result {
    venv.install_wheel(wheel)?;
    venv.place(&command(root)?)
}

/// Measures the wheel that is released beside what people use instead.
pub(crate) fn bench(root: &Path) -> Result {
    let (venv, _) = release(root)?;
    let package = root.join("bindings-python");
    venv.install(&package.join("requirements/bench.txt"))?;
    venv.run(&package, "python", &["benches/bench.py"])?;
    cargo(root, "build --release --locked -p ssf-transmitter-store --example enqueue").run()?;
    let example = target(root).join("release/examples/enqueue");
    venv.run(&package, "python", &["benches/outbox.py", &example.to_string_lossy()])
}

/// The wheel that is released, installed in an environment of its own.
fn release(root: &Path) -> Result<(Venv, PathBuf)> {
    let target = Target::here()?;
    let out = root.join("target/python/released").join(target.triple).join("wheels");
    let (venv, wheel) = released(root, Artefact::Python, &out, target)?;
    install_released(root, &venv, &wheel)?;
    Ok((venv, wheel))
}

/// Builds the wheel of a package as it is released, with its bill, and returns it with the environment that the tools are in.
pub(crate) fn released(
    root: &Path,
    artefact: Artefact,
    out: &Path,
    target: &'static Target,
) -> Result<(Venv, PathBuf)> {
    let tests = root.join("bindings-python");
    let package = if artefact == Artefact::Python { tests.clone() } else { root.join("cli") };
    let venv = Venv::make_in(&root.join("target/python/release"), &tests, VERSIONS[1])?;
    venv.install(&tests.join("requirements/tools.txt"))?;
    let mut options = vec!["--release"];
    // Where it would not run there, maturin refuses the tag.
    let tag = target.compatibility();
    options.extend(tag.iter().flat_map(|tag| ["--compatibility", tag]));
    options.extend(target.cross().iter().flat_map(|triple| ["--target", triple]));
    let mut variables = shipped::variables(root, target)?;
    if artefact == Artefact::Python {
        // maturin sets those of musl for a module. Twice they would differ for cargo, which would compile everything again.
        variables.remove(&target.setting("RUSTFLAGS"));
    }
    let bill = Bill::read(root, artefact, target)?.write(root)?;
    fs::copy(&bill.licences, package.join(LICENCES))?;
    bill.release(&target.released(root, "sbom"))?;
    let sbom = bill.sbom.to_string_lossy();
    options.extend(["--sbom-include", &sbom]);
    let wheel = build(&package, &venv, &options, &variables, out)?;
    Ok((venv, wheel))
}

/// What needs no test run: format, lints, types.
fn look(package: &Path, venv: &Venv) -> Result {
    let installed = venv.tell("import sysconfig; print(sysconfig.get_path('purelib'))")?;
    let installed = Path::new(installed.trim()).join("ssf_transmitter").to_string_lossy().into_owned();
    let python = venv.program("python").to_string_lossy().into_owned();
    let samples = ["tests/typing_sample.py", "../examples/python"];
    let sources = [".", "../examples/python"];
    venv.run(package, "ruff", &[&["format", "--check", "--quiet"], &sources[..]].concat())?;
    venv.run(package, "ruff", &[&["check", "--quiet"], &sources[..]].concat())?;
    venv.run(package, "mypy", &["-p", "ssf_transmitter"])?;
    venv.run(package, "mypy", &samples)?;
    venv.run(package, "basedpyright", &[&["--pythonpath", &python, &installed], &samples[..]].concat())?;
    let types =
        ["--mypy-config-file", "pyproject.toml", "--allowlist", "stubtest-allowlist.txt", "ssf_transmitter"];
    venv.run(package, "stubtest", &types)
}

/// Builds the one wheel for all versions, and returns its path.
fn build(
    package: &Path,
    venv: &Venv,
    options: &[&str],
    variables: &Variables,
    out: &Path,
) -> Result<PathBuf> {
    // What was built before must not be taken for it.
    clear(out)?;
    let python = venv.program("python");
    let mut command = Command::new(venv.program("maturin"));
    command.current_dir(package).envs(variables).args(["build", "--quiet", "--locked", "--out"]).arg(out);
    command.arg("--interpreter").arg(&python).args(options);
    call(&mut command, "maturin", "its version is pinned in bindings-python/requirements/tools.txt")?;
    let wheels: Vec<_> = fs::read_dir(out)?.collect::<std::io::Result<_>>()?;
    match &wheels[..] {
        [wheel] => Ok(wheel.path()),
        _ => Err(format!("{}: {} wheels", out.display(), wheels.len()).into()),
    }
}
