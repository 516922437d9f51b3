//! Running other programs, so that a failure says which one, and what to install where it is missing.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use toml::Table;

use crate::{
    Result,
    install::write,
    openssl::{self, Variables},
};

/// A program with its arguments, as the shell would take them.
pub(crate) struct Program {
    command: Command,
    line: String,
    hint: &'static str,
}

/// Where cargo builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    root.join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// A file with the profiles of the workspace, for cargo's `--config` in another one: with the same profiles, it takes what is built
/// instead of building it again, which for OpenSSL takes minutes.
pub(crate) fn profile(root: &Path) -> Result<String> {
    let manifest: Table = toml::from_str(&fs::read_to_string(root.join("Cargo.toml"))?)?;
    let profile = manifest.get("profile").cloned().ok_or("Cargo.toml has no profile")?;
    let file = target(root).join("profile.toml");
    write(&file, toml::to_string(&Table::from_iter([("profile".to_owned(), profile)]))?.as_bytes())?;
    Ok(file.display().to_string())
}

/// The tests of a workspace of its own, with the OpenSSL that is shipped: its crates have other features, with which cargo would compile
/// another OpenSSL.
pub(crate) fn cargo_alone(workspace: &Path, root: &Path) -> Result<Program> {
    let line = format!("--config {} test --locked", profile(root)?);
    Ok(cargo(workspace, &line).envs(&openssl::variables(root)?))
}

/// `cargo`, in the checkout at `root`.
pub(crate) fn cargo(root: &Path, arguments: &str) -> Program {
    // The cargo that runs this task, so that a toolchain chosen on the command line is kept.
    program(root, &env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
}

/// Builds the programs and the examples of the workspace, as the tests do: with fewer packages, or without examples,
/// dependencies would have other features, and be built once more.
pub(crate) fn build(root: &Path) -> Result {
    cargo(root, "build --workspace --bins --examples --locked").run()
}

/// Runs an example that is built.
pub(crate) fn example(root: &Path, name: &str) -> Result {
    program(root, &example_program(root, name).to_string_lossy(), "").run()
}

/// Where an example is that is built.
pub(crate) fn example_program(root: &Path, name: &str) -> PathBuf {
    target(root).join("debug/examples").join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

/// The target that this machine is.
pub(crate) fn host(root: &Path) -> Result<String> {
    let told = program(root, &env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()), "-vV").output()?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not tell which machine this is")?.to_owned())
}

/// Any program, in the checkout at `root`. The arguments hold no spaces of their own.
pub(crate) fn program(root: &Path, name: &str, arguments: &str) -> Program {
    let mut command = Command::new(name);
    command.current_dir(root).args(arguments.split_whitespace());
    let short = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
    Program { command, line: format!("{short} {arguments}"), hint: "is it installed?" }
}

impl Program {
    /// What to do where the program is missing.
    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets environment variables.
    pub(crate) fn envs(mut self, variables: &Variables) -> Self {
        self.command.envs(variables);
        self
    }

    /// Runs it; what it prints is seen.
    pub(crate) fn run(mut self) -> Result {
        println!("$ {}", self.line);
        let status = self
            .command
            .status()
            .map_err(|error| format!("{} does not start ({error}); {}", self.line, self.hint))?;
        if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", self.line).into()) }
    }

    /// Runs it, and returns what it prints.
    pub(crate) fn output(self) -> Result<String> {
        self.finish().map(|(output, _)| output)
    }

    /// Runs it, and returns what it prints as errors and notes.
    pub(crate) fn errors(self) -> Result<String> {
        self.finish().map(|(_, errors)| errors)
    }

    fn finish(mut self) -> Result<(String, String)> {
        let output = self
            .command
            .output()
            .map_err(|error| format!("{} does not start ({error}); {}", self.line, self.hint))?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            return Ok((String::from_utf8(output.stdout)?, errors));
        }
        Err(format!("{} failed: {}\n{errors}", self.line, output.status).into())
    }
}
