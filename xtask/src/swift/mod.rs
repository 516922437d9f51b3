//! The Swift package: generated from the library, built, and tested. On Linux the toolchain is installed for the project.

mod dist;
mod documentation;
mod sqlite;
mod surface;
mod trial;

use std::{
    env, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    Result, elf,
    run::cargo,
    surface::{self as surfaces, Language, Report},
};

pub(crate) use dist::run as dist;

/// What uniffi writes, and where it belongs.
const GENERATED: &[(&str, &str)] = &[
    ("SSFTransmitterFFI.swift", "Sources/SSFTransmitterFFI/SSFTransmitterFFI.swift"),
    ("CSSFTransmitter.h", "Sources/CSSFTransmitter/CSSFTransmitter.h"),
];

/// The library that Swift links.
const LIBRARY: &str = "libssf_transmitter_swift.a";

/// Where things are.
struct Package {
    root: PathBuf,
    /// `bindings-swift`.
    sources: PathBuf,
    /// Where cargo builds.
    target: PathBuf,
    /// Where everything else is made.
    work: PathBuf,
    swift: PathBuf,
}

/// Builds the package and tests it, examples included.
pub(crate) fn test(root: &Path) -> Result {
    let package = Package::new(root)?;
    package.build_native()?;
    package.compare_generated()?;
    let library = package.place_library("debug")?;
    dist::check(&package, &library)?;

    package.lint()?;
    let strict = ["-Xswiftc", "-warnings-as-errors"];
    package.swift(&package.sources, "test", &library, &[ONE_BY_ONE, &strict[..]].concat())?;
    // On a Mac the package has more: what needs its frameworks.
    if cfg!(target_os = "linux") {
        surfaces::check(root, Language::Swift, &[surface::report(&package)?])?;
    } else {
        println!("api/swift.txt is of Linux, and is not compared here");
    }
    documentation::compile(&package, &library)?;
    let examples = root.join("examples/swift");
    package.swift(&examples, "build", &library, &strict)?;
    // What is linked neither shows the SQLite of the library, nor needs one.
    elf::hides_sqlite(&package.work.join("build-swift/debug/OutboxAgent"))?;
    trial::run(&package, &examples, &library)?;
    // The whole of it again, and what threads do to each other is watched.
    let scratch = package.work.join("watched").to_string_lossy().into_owned();
    let watched = [ONE_BY_ONE, &["--sanitize=thread", "--scratch-path", &scratch]].concat();
    package.swift(&package.sources, "test", &library, &watched)
}

/// One test at a time. All at once, a hundred tests share the few threads of Swift's tasks, and on a busy machine a signer waits for its
/// turn longer than a deadline.
const ONE_BY_ONE: &[&str] = &["--disable-xctest", "--no-parallel"];

/// The report of the public API, after a build.
pub(crate) fn surface(root: &Path) -> Result<Vec<Report>> {
    let package = Package::new(root)?;
    package.build_native()?;
    let library = package.place_library("debug")?;
    package.swift(&package.sources, "build", &library, &[])?;
    Ok(vec![surface::report(&package)?])
}

/// Writes what uniffi generates into the package.
pub(crate) fn generate(root: &Path) -> Result {
    let package = Package::new(root)?;
    package.build_native()?;
    for (name, file) in GENERATED {
        fs::copy(package.work.join("generated").join(name), package.sources.join(file))?;
        println!("wrote bindings-swift/{file}");
    }
    Ok(())
}

impl Package {
    fn new(root: &Path) -> Result<Self> {
        let work = root.join("target/swift-package");
        fs::create_dir_all(&work)?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self {
            root: root.to_owned(),
            sources: root.join("bindings-swift"),
            target,
            work,
            swift: toolchain(root)?,
        })
    }

    /// Builds library, generator and emulator, and has the generator write.
    fn build_native(&self) -> Result {
        // With examples, and all of it, as `run::build` does.
        cargo(&self.root, "build --workspace --lib --bins --examples --locked").run()?;
        let generated = self.work.join("generated");
        fs::create_dir_all(&generated)?;
        let built = self.target.join("debug");
        let mut command = Command::new(built.join("ssf-swift-bindgen"));
        call(command.current_dir(&self.root).arg(built.join(LIBRARY)).arg(&generated), "ssf-swift-bindgen")
    }

    fn compare_generated(&self) -> Result {
        for (name, file) in GENERATED {
            let (new, committed) =
                (fs::read(self.work.join("generated").join(name))?, fs::read(self.sources.join(file)).ok());
            if committed.is_none_or(|committed| committed != new) {
                return Err(format!(
                    "bindings-swift/{file} differs from the library; run `cargo xtask swift --generate`"
                )
                .into());
            }
        }
        Ok(())
    }

    /// Puts the library, without its debugging information and with its SQLite hidden, alone into a folder that is named by its content: `SwiftPM`
    /// does not see that a library has changed, but that a folder has another name.
    fn place_library(&self, profile: &str) -> Result<PathBuf> {
        let built = self.target.join(profile).join(LIBRARY);
        let mut hasher = DefaultHasher::new();
        fs::read(&built)?.hash(&mut hasher);
        let all = self.work.join("library");
        let folder = all.join(format!("{:016x}", hasher.finish()));
        let library = folder.join(LIBRARY);
        if !library.exists() {
            if all.exists() {
                fs::remove_dir_all(&all)?;
            }
            fs::create_dir_all(&folder)?;
            let partial = folder.join("partial");
            fs::copy(&built, &partial)?;
            sqlite::hide(&partial, &self.work)?;
            fs::rename(partial, library)?;
        }
        Ok(folder)
    }

    fn lint(&self) -> Result {
        let mut command = self.command("format", &self.root);
        command.args(["lint", "--strict", "--recursive", "--configuration", "bindings-swift/.swift-format"]);
        command.args(["bindings-swift/Package.swift", "bindings-swift/Sources/SSFTransmitter"]);
        command.arg("bindings-swift/Sources/SSFTransmitterTesting");
        command.args(["bindings-swift/Tests", "examples/swift/Package.swift", "examples/swift/Sources"]);
        call(&mut command, "swift format lint")
    }

    /// Runs a command of the package manager in `folder`.
    fn swift(&self, folder: &Path, task: &str, library: &Path, arguments: &[&str]) -> Result {
        println!("$ swift {task} {}", arguments.join(" "));
        let mut command = self.package_manager(folder, task, library, arguments);
        call(&mut command, &format!("swift {task}"))
    }

    fn package_manager(&self, folder: &Path, task: &str, library: &Path, arguments: &[&str]) -> Command {
        let mut command = self.command(task, folder);
        let suppressions = self.sources.join("tools/thread-sanitizer.txt");
        command
            .env("SSF_LIBRARY_DIR", library)
            // The threads of the runtime end with the process.
            .env("TSAN_OPTIONS", format!("report_thread_leaks=0 suppressions='{}'", suppressions.display()))
            .env("SSF_COMMAND", self.target.join("debug/ssf"))
            .env("SSF_ENCLAVE", self.target.join("debug/enclave"))
            .env("SSF_VECTORS", self.root.join("tests/vectors"));
        if !arguments.contains(&"--scratch-path") {
            command.arg("--scratch-path").arg(self.scratch(folder));
        }
        command.args(arguments);
        command
    }

    /// Where the package in `folder` is built.
    fn scratch(&self, folder: &Path) -> PathBuf {
        self.work.join(format!("build-{}", folder.file_name().unwrap_or_default().to_string_lossy()))
    }

    fn command(&self, task: &str, folder: &Path) -> Command {
        let mut command = Command::new(&self.swift);
        // The toolchain that is installed for the project sees these folders and no others.
        let bound = [&self.root, &self.target].map(|path| path.to_string_lossy().into_owned()).join(":");
        command.arg(task).current_dir(folder).env("SWIFT_BIND", bound);
        command
    }
}

/// The command `swift`: the machine's on a Mac, elsewhere one that is installed below `target/swift/` once.
fn toolchain(root: &Path) -> Result<PathBuf> {
    if cfg!(target_os = "macos") {
        return Ok("swift".into());
    }
    let folder = root.join("target/swift");
    let mut install = Command::new("bash");
    install.arg(root.join("bindings-swift/tools/install-swift.sh")).arg(&folder);
    call(&mut install, "install-swift.sh")?;
    Ok(folder.join("bin/swift"))
}

/// Runs a program; its output goes where ours goes.
fn call(command: &mut Command, name: &str) -> Result {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{name} does not start ({error}); is it installed?"))?;
    if status.success() { Ok(()) } else { Err(format!("{name}: {status}").into()) }
}
