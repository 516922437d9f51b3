//! Copies an outbox into another file while it is in use.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use ssf_transmitter::{Error, ErrorCode, Result};

use crate::place;

/// A copy on its way. Its file gets its name when it is complete, and is removed otherwise: when neither the caller nor the thread that
/// writes needs it any more.
pub(crate) struct Backup {
    target: PathBuf,
    partial: PathBuf,
}

impl Backup {
    /// Creates the file for its owner only, beside the target.
    pub(crate) fn to(target: &Path) -> Result<Self> {
        let target = place::resolve(target)?;
        let partial = place::beside(&target, ".partial");
        for path in [&target, &partial] {
            if path.exists() {
                return Err(Error::new(
                    ErrorCode::OutboxPlaceInvalid,
                    "a backup needs a new file, and this one exists",
                ));
            }
        }
        place::create(&partial)?;
        Ok(Self { target, partial })
    }

    /// Where the snapshot is written.
    pub(crate) fn path(&self) -> Result<String> {
        let path = self.partial.to_str().map(str::to_owned);
        path.ok_or_else(|| Error::new(ErrorCode::OutboxPlaceInvalid, "the path of a backup must be UTF-8"))
    }

    /// Makes it survive a power cut, under its name.
    pub(crate) fn complete(&self) -> Result<()> {
        let failed = |_| {
            Error::new(ErrorCode::OutboxUnavailable, "the backup of the outbox cannot be written to the disk")
        };
        File::open(&self.partial).and_then(|file| file.sync_all()).map_err(failed)?;
        fs::rename(&self.partial, &self.target).map_err(failed)?;
        place::sync_folder(&self.target);
        Ok(())
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        // A complete one has another name.
        drop(fs::remove_file(&self.partial));
    }
}
