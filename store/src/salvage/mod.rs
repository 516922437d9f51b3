//! A damaged file is put aside, and what can be read of it goes into a new one.

mod copy;
mod repair;

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use ssf_transmitter::{
    Error, ErrorCode, Result, Timestamp,
    time::{Clock, SystemClock},
};

use crate::{connection, failed::Done, identity::Identity, lock::Lock, place, process};

/// What was saved of a damaged outbox.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Salvaged {
    /// Deliveries that wait or are in flight, and are in the new file.
    pub kept: u64,
    /// Those that are lost, as far as the counts of the receivers can still be read.
    pub lost: u64,
    /// Where the damaged file is now, with its `-wal` beside it.
    pub moved_to: PathBuf,
}

pub(crate) fn salvage(path: &Path) -> Result<Salvaged> {
    connection::check_library(rusqlite::version_number())?;
    let path = place::resolve(path)?;
    if !path.exists() {
        return Err(Error::new(ErrorCode::OutboxPlaceInvalid, "there is no outbox to salvage"));
    }
    let _registration = process::register()?;
    let _lock = Lock::exclusive(&path)?;
    Identity::of(&path)?;
    let now = SystemClock.now();
    let rescued = place::beside(&path, ".salvage");
    remove(&rescued)?;
    place::create(&rescued)?;
    let (kept, lost) = rescue(&path, &rescued, now)?;
    let moved_to = put_aside(&path, now)?;
    rename(&rescued, &path)?;
    place::sync_folder(&path);
    Ok(Salvaged { kept, lost, moved_to })
}

/// Copies what can be read. The damaged file stays as it is.
fn rescue(damaged: &Path, rescued: &Path, now: Timestamp) -> Done<(u64, u64)> {
    let new = connection::writer(rescued, 64 << 20, false)?;
    let transaction = new.unchecked_transaction()?;
    // A file whose first page is damaged has nothing that can be read.
    let expected = match connection::reader(damaged) {
        Ok(old) => copy::copy(&old, &transaction)?,
        Err(_) => 0,
    };
    let kept = repair::repair(&transaction, now)?;
    transaction.commit()?;
    new.close().map_err(|(_, error)| error)?;
    Ok((kept, expected.saturating_sub(kept)))
}

/// Moves the three files together. The file itself is the last one, so that no new outbox replaces it in between.
fn put_aside(path: &Path, now: Timestamp) -> Result<PathBuf> {
    let seconds = now.as_unix_seconds();
    let names = (0..).map(|more| place::beside(path, &format!(".corrupt-{}", seconds + more)));
    let aside = names.into_iter().find(|name| !name.exists()).unwrap_or_default();
    for suffix in ["-wal", "-shm", ""] {
        rename(&place::beside(path, suffix), &place::beside(&aside, suffix))?;
    }
    Ok(aside)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed()),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match std::fs::remove_file(place::beside(path, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed()),
            _ => {}
        }
    }
    Ok(())
}

fn failed() -> Error {
    Error::new(ErrorCode::OutboxUnavailable, "the files of the outbox cannot be moved")
}
