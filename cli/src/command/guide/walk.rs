//! A walk: commands of `ssf` that are printed, run, and read.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use super::{Failure, Result};
use crate::command::{Class, output};

/// Runs commands in one directory.
pub(super) struct Walk {
    dir: PathBuf,
    steps: usize,
    variables: Vec<(&'static str, String)>,
    servers: Vec<Server>,
    /// The steps as JSON, which is printed at the end. Without it, each is told as it goes.
    record: Option<Vec<Value>>,
}

/// A command that runs until the walk ends.
struct Server {
    child: Child,
    /// Closed, it would fail where it prints.
    _output: BufReader<ChildStdout>,
}

impl Walk {
    /// Starts in a directory, which is made if it is missing.
    pub(super) fn new(dir: &Path, as_json: bool) -> Result<Self> {
        fs::create_dir_all(dir).map_err(|error| Failure::file(dir, &error))?;
        let is_empty = fs::read_dir(dir).map_err(|error| Failure::file(dir, &error))?.next().is_none();
        if !is_empty {
            return Err(Failure::usage(format!("{} is not empty", dir.display())));
        }
        let record = as_json.then(Vec::new);
        Ok(Self { dir: dir.to_owned(), steps: 0, variables: Vec::new(), servers: Vec::new(), record })
    }

    /// Says what the guide asks for next.
    pub(super) fn step(&mut self, words: &str) -> Result {
        self.steps += 1;
        let Some(record) = &mut self.record else {
            return output::print(&format!("\n{}. {words}", self.steps));
        };
        record.push(json!({ "text": words, "actions": [] }));
        Ok(())
    }

    /// Says something between the commands.
    pub(super) fn say(&mut self, words: &str) -> Result {
        self.tell(&format!("\n{words}"), json!({ "note": words }))
    }

    /// Says that the guide is at its end, if it came that far.
    pub(super) fn end(&self, guide: &str, words: Option<&str>) -> Result {
        match (&self.record, words) {
            (Some(steps), _) => {
                let told = json!({ "guide": guide, "complete": words.is_some(), "steps": steps });
                output::print(&serde_json::to_string_pretty(&told)?)
            }
            (None, Some(words)) => output::print(&format!("\n{words}")),
            (None, None) => Ok(()),
        }
    }

    /// Writes a file.
    pub(super) fn file(&mut self, name: &str, text: &str) -> Result {
        let told = format!("\n    {name}:\n{}", indented(text));
        self.tell(&told, json!({ "file": name, "text": text }))?;
        let path = self.dir.join(name);
        fs::write(&path, text).map_err(|error| Failure::file(path, &error))
    }

    /// Sets a variable for all later commands.
    pub(super) fn variable(&mut self, name: &'static str, value: &str) -> Result {
        let told = format!("\n    $ export {name}={}", quoted(value));
        self.tell(&told, json!({ "variable": name, "value": value }))?;
        self.variables.push((name, value.to_owned()));
        Ok(())
    }

    /// Runs a command to its end, and returns what it prints.
    pub(super) fn run(&mut self, arguments: &[&str]) -> Result<String> {
        self.show(arguments, "")?;
        let done = self.command(arguments)?.stdin(Stdio::null()).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (printed, words) = (text(&done.stdout), text(&done.stderr));
        self.answer(&printed, &words)?;
        if done.status.success() {
            return Ok(printed);
        }
        Err(Failure::new(Class::Other, format!("step {} failed: ssf {}", self.steps, arguments.join(" "))))
    }

    /// Starts a command that says in one line of JSON that it is ready, and ends with the walk.
    pub(super) fn start(&mut self, arguments: &[&str]) -> Result<Value> {
        self.show(arguments, " &")?;
        let mut child = self.command(arguments)?.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let Some(stdout) = child.stdout.take() else { return Err("no output".into()) };
        let mut output = BufReader::new(stdout);
        let mut line = String::new();
        let read = output.read_line(&mut line);
        self.servers.push(Server { child, _output: output });
        read?;
        self.answer(&line, "")?;
        Ok(serde_json::from_str(&line)?)
    }

    /// Tells what happens in a step: at once, or in the record.
    fn tell(&mut self, words: &str, action: Value) -> Result {
        let Some(record) = &mut self.record else { return output::print(words) };
        if let Some(actions) = record.last_mut().and_then(|step| step["actions"].as_array_mut()) {
            actions.push(action);
        }
        Ok(())
    }

    /// Tells which command is run.
    fn show(&mut self, arguments: &[&str], end: &str) -> Result {
        let words: Vec<_> = arguments.iter().map(|argument| quoted(argument)).collect();
        let line = format!("ssf {}{end}", words.join(" "));
        self.tell(&format!("\n    $ {line}"), json!({ "command": line }))
    }

    /// Tells what the last command printed.
    fn answer(&mut self, stdout: &str, stderr: &str) -> Result {
        let Some(record) = &mut self.record else {
            let mut shown = [stdout, stderr].into_iter().filter(|shown| !shown.is_empty());
            return shown.try_for_each(|shown| output::print(&indented(shown.trim_end())));
        };
        let actions = record.last_mut().and_then(|step| step["actions"].as_array_mut());
        if let Some(action) = actions.and_then(|actions| actions.last_mut()) {
            action["stdout"] = stdout.into();
            action["stderr"] = stderr.into();
        }
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(env::current_exe()?);
        command
            .args(arguments)
            .current_dir(&self.dir)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended by itself if this fails.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A JSON member that must be a string.
pub(super) fn text(value: &Value, member: &str) -> Result<String> {
    let missing = || Failure::new(Class::Other, format!("the answer has no {member}"));
    Ok(value[member].as_str().ok_or_else(missing)?.to_owned())
}

fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

/// An argument as a shell reads it.
fn quoted(argument: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+%".contains(&byte);
    if !argument.is_empty() && argument.bytes().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}
