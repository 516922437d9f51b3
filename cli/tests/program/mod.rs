//! The command `ssf` as a program: run to its end, with what it printed.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of this")]
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what tests share")]

use std::{fs, path::Path, process::Stdio};

use serde_json::Value;
use tokio::process::Command;

/// What a run printed, and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// What a run that succeeds prints.
    #[track_caller]
    pub fn text(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        &self.stdout
    }

    /// The same, as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap()
    }

    /// What `--json` says of a run that fails.
    #[track_caller]
    pub fn error(&self) -> Value {
        let error: Value = serde_json::from_str(&self.stderr).unwrap_or_else(|_| panic!("{self:?}"));
        let error = error["error"].clone();
        assert_eq!(error["exit_code"], self.code.unwrap(), "{self:?}");
        error
    }

    #[track_caller]
    pub fn fails_saying(&self, words: &[&str]) {
        assert_ne!(self.code, Some(0), "{self:?}");
        for part in words {
            assert!(self.stderr.contains(part), "{part}: {self:?}");
        }
    }
}

/// The command with these arguments, in an environment that says nothing to it.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ssf"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let names = [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "OKTA_API_TOKEN",
    ];
    for name in names {
        command.env_remove(name);
    }
    command
}

pub async fn run(command: &mut Command) -> Run {
    let output = command.output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

pub async fn ssf(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    run(command(arguments).envs(variables.iter().copied())).await
}

/// A file of the tests, of a name that no other test uses.
pub fn file(name: &str, text: impl AsRef<[u8]>) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// An empty folder of the tests, of a name that no other test uses.
pub fn folder(name: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path.to_str().unwrap().to_owned()
}
