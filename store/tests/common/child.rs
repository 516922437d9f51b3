//! A process that does a part of a test: this test binary once more, with one test that is ignored otherwise.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

const FILE: &str = "SSF_OUTBOX_OF_PARENT";

/// Its output is killed with it.
pub(crate) struct Helper {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Helper {
    /// Runs this test in a process of its own, with the file of the parent.
    pub(crate) fn start(test: &str, file: &Path) -> Self {
        Self::run(Command::new(std::env::current_exe().unwrap()), test, file)
    }

    /// Runs this test as a user without rights: with a copy of this program that the user may read.
    #[cfg(unix)]
    pub(crate) fn start_as_nobody(program: &Path, test: &str, file: &Path) -> Self {
        use std::os::unix::{fs::MetadataExt, process::CommandExt};
        const NOBODY: u32 = 65534;
        let mut command = Command::new(program);
        if std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.current_dir("/");
        Self::run(command, test, file)
    }

    fn run(mut command: Command, test: &str, file: &Path) -> Self {
        let mut process = command
            .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
            .env(FILE, file)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// What the test says next.
    pub(crate) fn next(&mut self) -> Option<String> {
        // A line that is cut off was not completely written.
        self.lines.by_ref().map_while(Result::ok).find_map(|line| {
            let said = line.split_once("> ")?.1.strip_suffix(" <")?;
            Some(said.to_owned())
        })
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Kills it at once, and returns what it had still said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::iter::from_fn(|| self.next()).collect()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The file of the parent; `None` if there is no parent.
pub(crate) fn file() -> Option<std::path::PathBuf> {
    std::env::var_os(FILE).map(Into::into)
}

/// Tells the parent something.
pub(crate) fn say(text: &str) {
    use std::io::Write;
    // In one write, so that a kill does not cut it in the middle of a line of another one.
    let line = format!("> {text} <\n");
    let mut output = std::io::stdout().lock();
    output.write_all(line.as_bytes()).unwrap();
    output.flush().unwrap();
}
