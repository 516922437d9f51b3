//! Runs the examples of agents against the receiver emulator.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;

use super::Package;
use crate::{Result, install::clear};

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

const ISSUER: &str = "https://edr.example.com";
const AUDIENCE: &str = "https://receiver.example.net";

/// What the agents need beside their package.
struct Trial<'a> {
    package: &'a Package,
    examples: &'a Path,
    library: &'a Path,
    key: &'a str,
    /// Where the receiver is.
    push: &'a str,
}

/// Starts a receiver, and runs each agent.
pub(super) fn run(package: &Package, examples: &Path, library: &Path) -> Result {
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

    let (key, push) = (key.to_string_lossy(), text(&ready, "push")?);
    let trial = Trial { package, examples, library, key: &key, push };
    trial.compliance()?;
    trial.outbox()
}

impl Trial<'_> {
    /// A device that was compliant is not, and then is again: two events, each of which the receiver accepts.
    fn compliance(&self) -> Result {
        let agent = ["ComplianceAgent", ISSUER, self.key, self.push, AUDIENCE, "ada@example.com", "laptop-7"];
        let said = self.ask(&agent, "compliant\nnot-compliant\nnot-compliant\ncompliant\n")?;
        let delivered = said.lines().filter(|line| line.ends_with("with status 202")).count();
        if delivered == 2 {
            Ok(())
        } else {
            Err(format!("the agent delivered {delivered} events, not 2").into())
        }
    }

    /// An agent is killed while it accepts events: another one delivers all that it has accepted.
    fn outbox(&self) -> Result {
        let folder = self.package.work.join("agent-outbox");
        clear(&folder)?;
        fs::create_dir_all(&folder)?;
        let file = folder.join("outbox.db");
        let file = file.to_string_lossy();
        let mut child = self.start(&["OutboxAgent", "accept", &file])?;
        let mut input = child.0.stdin.take().ok_or("no input")?;
        // The agent is killed long before it has read all of it.
        let writing = thread::spawn(move || {
            (0..1_000_000).take_while(|user| writeln!(input, "user-{user}@example.com").is_ok()).count()
        });
        let mut accepted = BTreeSet::new();
        let note = |line: &str, accepted: &mut BTreeSet<String>| {
            accepted.extend(line.strip_prefix("accepted ").map(|jti| jti.trim().to_owned()));
        };
        let mut output = BufReader::new(child.0.stdout.take().ok_or("no output")?);
        while accepted.len() < 20 {
            let mut line = String::new();
            if output.read_line(&mut line)? == 0 {
                return Err("the agent ended before it was killed".into());
            }
            note(&line, &mut accepted);
        }
        child.0.kill()?;
        child.0.wait()?;
        // What it had said before; the last line may be cut off.
        let mut rest = String::new();
        output.read_to_string(&mut rest)?;
        rest.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .for_each(|line| note(line, &mut accepted));
        writing.join().map_err(|_| "the input of the agent was not written")?;

        let said = self.ask(&["OutboxAgent", "deliver", &file, ISSUER, self.key, self.push, AUDIENCE], "")?;
        let delivered: BTreeSet<_> =
            said.lines().filter_map(|line| line.strip_prefix("delivered ")).map(str::to_owned).collect();
        println!("{} events were accepted before the agent was killed", accepted.len());
        match accepted.difference(&delivered).next() {
            Some(jti) => Err(format!("{jti} was accepted, and is lost").into()),
            None => Ok(()),
        }
    }

    /// Starts an agent, gives it this input, and returns what it says.
    fn ask(&self, agent: &[&str], input: &str) -> Result<String> {
        let mut child = self.start(agent)?;
        child.0.stdin.take().ok_or("no input")?.write_all(input.as_bytes())?;
        let mut said = String::new();
        child.0.stdout.take().ok_or("no output")?.read_to_string(&mut said)?;
        print!("{said}");
        Ok(said)
    }

    fn start(&self, agent: &[&str]) -> Result<Running> {
        println!("$ swift run {}", agent.join(" "));
        let strict = ["-Xswiftc", "-warnings-as-errors"];
        let mut command = self.package.package_manager(self.examples, "run", self.library, &strict);
        Ok(command.args(agent).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map(Running)?)
    }
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
