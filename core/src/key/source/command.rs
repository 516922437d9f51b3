//! A key from the output of a command.

use std::{
    ffi::{OsStr, OsString},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use zeroize::Zeroizing;

use super::{
    KeySource,
    fetch::{read, unavailable},
};
use crate::{
    error::Result,
    time::{Clock as _, SteadyClock, Timestamp},
};

/// The pause between two looks at a command that has closed its output and has not ended.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs a command, and gives its output if it succeeds in time. No error shows any of that output, nor what the command writes
/// to its standard error: either may hold a secret.
pub(super) fn run(source: &KeySource, program: &OsStr, arguments: &[OsString]) -> Result<Zeroizing<Vec<u8>>> {
    let clock = SteadyClock::start();
    let end = clock.now().plus(source.time_limit);
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| unavailable(source, format!("the command cannot be started: {error}")))?;

    let (send, received) = mpsc::sync_channel(1);
    let (output, reader) = (child.stdout.take(), source.clone());
    let spawned = thread::Builder::new().name("ssf-key-command".to_owned()).spawn(move || {
        if let Some(output) = output {
            // Nobody waits any more if it took too long.
            let _ = send.send(read(&reader, output));
        }
    });
    let output = spawned.ok().and_then(|_| received.recv_timeout(end.since(clock.now())).ok());
    let ended = output.and_then(|output| Some((output, wait(&mut child, &clock, end)?)));
    let Some((output, status)) = ended else {
        // It may have ended just now.
        let _ = child.kill();
        let _ = child.wait();
        let limit = source.time_limit.as_secs_f64();
        return Err(unavailable(source, format!("the command did not end within {limit} seconds")));
    };
    if !status.success() {
        let message =
            format!("the command failed ({status}); its output is hidden, because it may contain a secret");
        return Err(unavailable(source, message));
    }
    let output = output?;
    if output.trim_ascii().is_empty() {
        return Err(unavailable(source, "the command succeeded, but wrote nothing to standard output"));
    }
    Ok(output)
}

/// How the child ended, if it did in time.
fn wait(child: &mut Child, clock: &SteadyClock, end: Timestamp) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if clock.now() < end => thread::sleep(PAUSE),
            _ => return None,
        }
    }
}
