//! Runs the example of an agent against the receiver emulator.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::Package;
use crate::Result;

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// A device that was compliant is not, and then is again: two events, each of which the receiver takes.
pub(super) fn run(package: &Package, examples: &Path, library: &Path) -> Result {
    const ISSUER: &str = "https://edr.example.com";
    const AUDIENCE: &str = "https://receiver.example.net";
    let ssf = package.target.join("debug/ssf");
    let key = package.work.join("agent-key.pem");
    if key.exists() {
        fs::remove_file(&key)?;
    }
    super::call(Command::new(&ssf).args(["key", "new", "--out"]).arg(&key).stdout(Stdio::null()), "ssf key")?;
    let (_documents, published) = start(Command::new(&ssf).arg("serve").arg("--key").arg(&key))?;
    let mut receiver = Command::new(&ssf);
    receiver.args(["receiver", "--like", "rfc8935", "--issuer", ISSUER, "--audience", AUDIENCE]);
    let (_receiver, ready) = start(receiver.arg("--jwks-uri").arg(text(&published, "jwks_uri")?))?;

    let key = key.to_string_lossy();
    let agent =
        ["ComplianceAgent", ISSUER, &key, text(&ready, "push")?, AUDIENCE, "ada@example.com", "laptop-7"];
    println!("$ swift run {}", agent.join(" "));
    let mut command = package.package_manager(examples, "run", library, &["-Xswiftc", "-warnings-as-errors"]);
    let mut child = command.args(agent).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map(Running)?;
    child
        .0
        .stdin
        .take()
        .ok_or("no input")?
        .write_all(b"compliant\nnot-compliant\nnot-compliant\ncompliant\n")?;
    let mut said = String::new();
    child.0.stdout.take().ok_or("no output")?.read_to_string(&mut said)?;
    print!("{said}");
    let delivered = said.lines().filter(|line| line.ends_with("with status 202")).count();
    if delivered == 2 { Ok(()) } else { Err(format!("the agent delivered {delivered} events, not 2").into()) }
}

/// Starts a command that says in one line of JSON when it is ready.
fn start(command: &mut Command) -> Result<(Running, Value)> {
    let mut running = Running(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().ok_or("no output")?).read_line(&mut line)?;
    let ready = serde_json::from_str(&line).map_err(|_| format!("ssf is not ready: {line}"))?;
    Ok((running, ready))
}

fn text<'a>(ready: &'a Value, name: &str) -> Result<&'a str> {
    ready[name].as_str().ok_or_else(|| format!("ssf does not say its {name}").into())
}
