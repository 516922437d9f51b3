//! Whether files have changed, by what the file system says of them.

use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{KeySource, Origin};
use crate::time::Timestamp;

/// A file that was written so lately may be written again within the resolution of its time.
const RESOLUTION: Duration = Duration::from_secs(2);

/// Names and states of the files of a source. Symbolic links are followed, so that a link that is swapped counts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stamp(Vec<(PathBuf, State)>);

#[derive(Clone, Debug, PartialEq)]
struct State {
    length: u64,
    modified: Option<SystemTime>,
    /// Device, file, and the time at which either changed.
    #[cfg(unix)]
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    /// The stamp of a file or a directory; none of other sources.
    pub(super) fn of(source: &KeySource) -> io::Result<Option<Self>> {
        let paths = match &source.origin {
            Origin::File(path) => vec![path.clone()],
            Origin::Directory(path) => files(path)?,
            _ => return Ok(None),
        };
        let states = paths.into_iter().map(|path| {
            let state = State::of(&fs::metadata(&path)?);
            Ok((path, state))
        });
        states.collect::<io::Result<_>>().map(|states| Some(Self(states)))
    }

    /// Whether every change after it would show.
    pub(super) fn is_settled(&self) -> bool {
        let limit = Timestamp::now();
        self.0.iter().all(|(_, state)| {
            state.modified.is_none_or(|time| Timestamp::from(time).plus(RESOLUTION) < limit)
        })
    }
}

impl State {
    fn of(file: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            length: file.len(),
            modified: file.modified().ok(),
            #[cfg(unix)]
            identity: (file.dev(), file.ino(), file.ctime(), file.ctime_nsec()),
        }
    }
}

/// The files of a directory, by name, without hidden ones: Kubernetes keeps its own there.
pub(super) fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && !fs::metadata(entry.path())?.is_dir() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
