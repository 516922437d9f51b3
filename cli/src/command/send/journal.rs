//! What was sent of an input, so that another run goes on from there.
//!
//! The `jti` of a line comes from the run, the number of the line and its text. So it need not be written before the
//! line is sent: a run that was killed sends what it had in flight again, with the same `jti`. Another text has another
//! one.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{
    super::{Failure, Result},
    lines::{Digest, Line, digest},
};

const VERSION: u32 = 1;
/// How far lines may be ahead of the first one that has not ended.
const AHEAD: u64 = 1 << 16;

pub(super) struct Journal {
    /// None: nothing is kept.
    path: Option<PathBuf>,
    kept: Kept,
    /// Lines that have ended although one before them has not.
    done: BTreeMap<u64, Digest>,
    chain: Digest,
    /// What an earlier run has done, as long as its lines are read again.
    earlier: Earlier,
    resumes: bool,
}

#[derive(Default)]
struct Earlier {
    through: u64,
    chain: Digest,
    done: BTreeMap<u64, Digest>,
    /// The lines that were read again.
    read: Digest,
}

/// The journal as a file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    /// Random, in hexadecimal.
    run: String,
    /// To whom.
    target: String,
    /// The line up to which all have ended, and which lines these are.
    through: u64,
    chain: String,
    /// Lines beyond it that have ended.
    done: Vec<(u64, String)>,
    accepted: u64,
    failed: u64,
    /// The file of failures, and its length.
    failures: PathBuf,
    failures_bytes: u64,
}

impl Journal {
    /// Reads the journal of an earlier run, or begins a new one. Without a path, nothing is kept.
    pub(super) fn open(path: Option<PathBuf>, target: &str, failures: &Path, restart: bool) -> Result<Self> {
        let target = hexadecimal(digest(&[target.as_bytes()]));
        let earlier = match &path {
            Some(path) if !restart => read(path).map_err(|failure| failure.in_place(path.display()))?,
            _ => None,
        };
        let Some(kept) = earlier else { return Self::begin(path, target, failures) };
        if kept.target != target {
            let message =
                "this journal is of another receiver: name another one with --journal, or set --restart";
            return Err(Failure::from(message).in_place(path.unwrap_or_default().display()));
        }
        let done: Option<BTreeMap<_, _>> =
            kept.done.iter().map(|(line, digest)| Some((*line, number(digest)?))).collect();
        let (Some(done), Some(chain)) = (done, number(&kept.chain)) else {
            return Err(Failure::from(DAMAGED).in_place(path.unwrap_or_default().display()));
        };
        let earlier = Earlier { through: kept.through, chain, done: done.clone(), read: 0 };
        Ok(Self { path, kept, done, chain, earlier, resumes: true })
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the core keeps its random bytes to itself; a run has to be unique"
    )]
    fn begin(path: Option<PathBuf>, target: String, failures: &Path) -> Result<Self> {
        let mut run = [0; 16];
        getrandom::fill(&mut run).map_err(|error| Failure::from(error.to_string()))?;
        let run = hexadecimal(u128::from_be_bytes(run));
        let (chain, done) = (hexadecimal(0), Vec::new());
        let kept = Kept {
            version: VERSION,
            run,
            target,
            through: 0,
            chain,
            done,
            accepted: 0,
            failed: 0,
            failures: failures.to_owned(),
            failures_bytes: 0,
        };
        let earlier = Earlier::default();
        Ok(Self { path, kept, done: BTreeMap::new(), chain: 0, earlier, resumes: false })
    }

    /// Whether it outlives this run.
    pub(super) fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// Whether it goes on with an earlier run.
    pub(super) fn resumes(&self) -> bool {
        self.resumes
    }

    /// Lines that were accepted and that failed, in all runs.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.kept.accepted, self.kept.failed)
    }

    /// How much of this file of failures belongs to lines that have ended, if an earlier run began it.
    pub(super) fn failures_bytes(&self, failures: &Path) -> Option<u64> {
        (self.resumes && self.kept.failures == failures).then_some(self.kept.failures_bytes)
    }

    /// The id of the SET of a line.
    pub(super) fn jti(&self, line: &Line) -> String {
        let number = line.number.to_be_bytes();
        hexadecimal(digest(&[self.kept.run.as_bytes(), &number, line.text.as_bytes()]))
    }

    /// Whether an earlier run has done this line. The input must be the same as then.
    pub(super) fn has_done(&mut self, line: &Line) -> Result<bool> {
        let earlier = &mut self.earlier;
        if line.number > earlier.through {
            return match earlier.done.remove(&line.number) {
                None => Ok(false),
                Some(digest) if digest == line.digest => Ok(true),
                Some(_) => Err(changed()),
            };
        }
        earlier.read = link(earlier.read, line.digest);
        if line.number == earlier.through && earlier.read != earlier.chain {
            return Err(changed());
        }
        Ok(true)
    }

    /// Says at the end of the input whether it is shorter than it was.
    pub(super) fn check_end(&self, lines: u64) -> Result {
        let is_shorter = lines < self.earlier.through || !self.earlier.done.is_empty();
        if is_shorter { Err(changed()) } else { Ok(()) }
    }

    /// Whether this line may be begun: memory is bounded, however long a line takes.
    pub(super) fn has_room(&self, line: u64) -> bool {
        line < self.kept.through + AHEAD
    }

    /// Notes that a line has ended.
    pub(super) fn end(&mut self, line: u64, digest: Digest, accepted: Option<bool>) {
        match accepted {
            Some(true) => self.kept.accepted += 1,
            Some(false) => self.kept.failed += 1,
            // An empty line.
            None => {}
        }
        self.done.insert(line, digest);
        while let Some(digest) = self.done.remove(&(self.kept.through + 1)) {
            self.kept.through += 1;
            self.chain = link(self.chain, digest);
        }
    }

    /// Writes what has ended. The failures of these lines must be in their file.
    pub(super) fn save(&mut self, failures: &Path, failures_bytes: u64) -> Result {
        failures.clone_into(&mut self.kept.failures);
        let Some(path) = &self.path else { return Ok(()) };
        self.kept.chain = hexadecimal(self.chain);
        self.kept.done = self.done.iter().map(|(line, digest)| (*line, hexadecimal(*digest))).collect();
        self.kept.failures_bytes = failures_bytes;
        let text = serde_json::to_string(&self.kept)?;
        let write = || {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path).map(drop).map_err(|error| error.error)
        };
        write().map_err(|error| Failure::file(path, &error))
    }

    /// Removes the file: all lines have ended.
    pub(super) fn remove(&self) -> Result {
        let Some(path) = &self.path else { return Ok(()) };
        fs::remove_file(path).map_err(|error| Failure::file(path, &error))
    }
}

const DAMAGED: &str = "this is not a journal of ssf send: name another one with --journal, or set --restart";

fn read(path: &Path) -> Result<Option<Kept>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let kept: Kept = serde_json::from_str(&text).map_err(|_| DAMAGED)?;
    if kept.version == VERSION { Ok(Some(kept)) } else { Err(DAMAGED.into()) }
}

fn changed() -> Failure {
    "the input has changed since an earlier run sent a part of it: set --restart to send all of it anew"
        .into()
}

fn link(chain: Digest, next: Digest) -> Digest {
    digest(&[&chain.to_be_bytes(), &next.to_be_bytes()])
}

fn hexadecimal(digest: Digest) -> String {
    format!("{digest:032x}")
}

fn number(text: &str) -> Option<Digest> {
    u128::from_str_radix(text, 16).ok()
}
