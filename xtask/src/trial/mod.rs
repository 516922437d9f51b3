//! Released packages, tried in a file system of their platform: each signs a SET, and delivers it to the emulator.

mod debian;
mod place;
mod pypi;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    Result,
    install::{call, read, write},
    node::NPM,
    target::Target,
};

use place::Place;

const ISSUER: &str = "https://edr.example.com";
const AUDIENCE: &str = "https://receiver.example.net";
const COMMAND: &str = "/usr/bin/ssf";
/// Where packages are installed.
const APP: &str = "/app";
const KEY: &str = "/tmp/key.pem";
const ADVICE: &str = "run it as root";

/// The command: it makes a key, and sends a SET to an emulator that is the command, too.
pub(crate) fn command(root: &Path, target: &Target, program: &Path) -> Result {
    let place = Place::make(root, target)?;
    place.put(program, COMMAND)?;
    tell(place.command(COMMAND).args(["key", "new", "--out", KEY]))?;
    let jwks: Value = serde_json::from_str(&tell(place.command(COMMAND).args(["jwks", "--key", KEY]))?)?;
    let mut emulator = Emulator::start(&mut place.command(COMMAND), &jwks)?;
    let mut emit = place.command(COMMAND);
    emit.args(["emit", "--issuer", ISSUER, "--key", KEY, "--audience", AUDIENCE, "--allow-loopback"]);
    emit.args([
        "--endpoint",
        &emulator.push,
        "--event",
        "caep.session-revoked",
        "--email",
        "ada@example.com",
    ]);
    tell(&mut emit)?;
    let accepted = emulator.ask("accepted")?;
    if accepted.as_object().is_some_and(|accepted| accepted.len() == 1) {
        println!("{}: the command has delivered a SET", target.triple);
        return Ok(());
    }
    Err(format!("the emulator has accepted {accepted}, and not one SET").into())
}

/// The wheel of the package: it sends what the example for Okta sends. `program` is the command, which is the emulator.
pub(crate) fn python(root: &Path, target: &Target, wheel: &Path, program: &Path) -> Result {
    let place = Place::make(root, target)?;
    place.put(program, COMMAND)?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]);
    pip.args(["--no-deps", "--no-index"]).args([
        "--only-binary",
        ":all:",
        "--python-version",
        "3.10",
        "--abi",
        "abi3",
    ]);
    pip.args(["--platform", &target.wheel_platform(), "--target"]).arg(place.outside(APP)).arg(wheel);
    call(&mut pip, "pip", "install Python 3 with pip (https://www.python.org/downloads/)")?;
    let said = send(&place, "/usr/bin/python3", &root.join("examples/python/okta_first_set.py"))?;
    println!("{}: Python: {}", target.triple, said.trim());
    Ok(())
}

/// The packages of Node, in this folder.
pub(crate) fn node(root: &Path, target: &Target, packages: &Path, program: &Path) -> Result {
    let place = Place::make(root, target)?;
    place.put(program, COMMAND)?;
    let file = |name: &str| format!("file:{}", packages.join(name).display());
    // npm leaves an optional package out that is for another platform, as it does when the package names them all.
    let manifest = json!({
        "private": true,
        "dependencies": { "ssf-transmitter": file("ssf-transmitter") },
        "optionalDependencies": { format!("@ssf-transmitter/{}", target.npm): file(target.npm) },
    });
    write(&place.outside(APP).join("package.json"), manifest.to_string().as_bytes())?;
    let mut npm = Command::new(NPM);
    npm.current_dir(place.outside(APP)).args(["install", "--install-links", "--ignore-scripts", "--offline"]);
    npm.args(["--no-audit", "--no-fund", "--loglevel=error", "--os=linux"]);
    npm.arg(format!("--cpu={}", target.cpu())).arg(format!("--libc={}", target.libc()));
    call(&mut npm, "npm", "install Node.js 20 with npm (https://nodejs.org/en/download)")?;
    let said = send(&place, "/usr/bin/node", &root.join("bindings-node/scripts/send.mjs"))?;
    println!("{}: Node: {}", target.triple, said.trim());
    if said.trim() == "202" { Ok(()) } else { Err(format!("the emulator answers {said}, not 202").into()) }
}

/// Runs a script in the folder where packages are installed.
fn send(place: &Place, interpreter: &str, script: &Path) -> Result<String> {
    let there = format!("{APP}/{}", script.file_name().unwrap_or_default().to_string_lossy());
    write(&place.outside(&there), &read(script)?)?;
    tell(place.command(interpreter).arg(there).env("SSF_COMMAND", COMMAND))
}

/// What a program prints.
fn tell(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("chroot does not start ({error}): {ADVICE}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    Err(format!("{command:?}: {}", output.status).into())
}

/// The receiver emulator as a process, which ends with its input: docs/emulator.md.
struct Emulator {
    process: Child,
    push: String,
}

impl Emulator {
    fn start(command: &mut Command, jwks: &Value) -> Result<Self> {
        let process = command.arg("emulate").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let process = process.map_err(|error| format!("chroot does not start ({error}): {ADVICE}"))?;
        let mut emulator = Self { process, push: String::new() };
        let settings = json!({ "like": "rfc8935", "audience": AUDIENCE, "issuer": ISSUER, "jwks": jwks });
        let ready = emulator.exchange(&settings)?;
        let push = ready["push"].as_str().ok_or_else(|| format!("the emulator does not start: {ready}"))?;
        push.clone_into(&mut emulator.push);
        Ok(emulator)
    }

    fn ask(&mut self, what: &str) -> Result<Value> {
        Ok(self.exchange(&json!({ "do": what }))?["done"].take())
    }

    fn exchange(&mut self, line: &Value) -> Result<Value> {
        let (Some(input), Some(output)) = (&mut self.process.stdin, &mut self.process.stdout) else {
            return Err("the emulator has no pipes".into());
        };
        writeln!(input, "{line}")?;
        // It writes one line for each that it reads, so that nothing is left in the buffer.
        let mut answer = String::new();
        BufReader::new(output).read_line(&mut answer)?;
        Ok(serde_json::from_str(&answer).map_err(|error| format!("the emulator says {answer:?}: {error}"))?)
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
