//! The lines of the input, read ahead on a thread: a pipe may keep a reader waiting.

use std::{
    fs::{File, TryLockError},
    io::{self, BufRead, BufReader, Read as _},
    path::Path,
    thread,
};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{self, Receiver};

use super::super::{Failure, Result};

/// How many lines are read ahead.
const AHEAD: usize = 1024;
/// The longest line, in bytes: no event is that long, and memory is bounded.
const LONGEST: u64 = 1 << 20;

/// Half of a SHA-256: which text it is.
pub(super) type Digest = u128;

/// A line of the input.
pub(super) struct Line {
    /// From one.
    pub(super) number: u64,
    pub(super) text: String,
    pub(super) digest: Digest,
    /// The bytes of the input up to its end.
    pub(super) end: u64,
}

/// The input: a file, or standard input.
pub(super) struct Lines {
    pub(super) receiver: Receiver<Result<Line>>,
    /// Its length, if it is a file.
    pub(super) length: Option<u64>,
    /// Keeps other processes from sending the same file meanwhile.
    _lock: Option<File>,
}

impl Lines {
    /// Opens the input; standard input without a path.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self {
                receiver: read(io::stdin(), "standard input".to_owned()),
                length: None,
                _lock: None,
            });
        };
        let place = |error: io::Error| Failure::file(path, &error);
        let file = File::open(path).map_err(place)?;
        // Where files cannot be locked, nobody is kept away.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            let message = format!("another process sends {}: wait for its end", path.display());
            return Err(Failure::from(message));
        }
        let metadata = file.metadata().map_err(place)?;
        let lock = file.try_clone().map_err(place)?;
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Self { receiver: read(file, path.display().to_string()), length, _lock: Some(lock) })
    }
}

fn read(input: impl io::Read + Send + 'static, name: String) -> Receiver<Result<Line>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    thread::spawn(move || {
        let mut input = BufReader::new(input);
        let (mut number, mut end) = (0, 0);
        loop {
            number += 1;
            let line = next(&mut input, number, &mut end).transpose();
            let Some(line) = line else { break };
            let line = line.map_err(|failure| failure.in_place(format!("{name}, line {number}")));
            let is_last = line.is_err();
            // Nobody listens any longer, or nothing can be read any longer.
            if sender.blocking_send(line).is_err() || is_last {
                break;
            }
        }
    });
    receiver
}

fn next(input: &mut impl BufRead, number: u64, end: &mut u64) -> Result<Option<Line>> {
    let mut bytes = Vec::new();
    let length = input.take(LONGEST).read_until(b'\n', &mut bytes)?;
    if length == 0 {
        return Ok(None);
    }
    *end += u64::try_from(length).unwrap_or_default();
    if bytes.last() != Some(&b'\n') && u64::try_from(length) == Ok(LONGEST) {
        return Err("a line is longer than 1 MiB: write one event per line".into());
    }
    let text = String::from_utf8(bytes).map_err(|_| "the line is not UTF-8")?;
    let text = text.trim_start_matches('\u{feff}').trim().to_owned();
    let digest = digest(&[text.as_bytes()]);
    Ok(Some(Line { number, text, digest, end: *end }))
}

/// Which texts these are.
pub(super) fn digest(texts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_be_bytes());
        hash.update(text);
    }
    hash.finalize().iter().take(16).fold(0, |digest, byte| digest << 8 | u128::from(*byte))
}
