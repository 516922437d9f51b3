//! Whether there is room for what is new. What was accepted before needs the rest.

use std::path::{Path, PathBuf};

use ssf_transmitter::ErrorCode;

use crate::{
    failed::{Done, Failed},
    place::{beside, free_bytes},
};

const MIB: u64 = 1 << 20;

#[derive(Clone)]
pub(crate) struct Room {
    path: PathBuf,
    log: PathBuf,
    disk_reserve: u64,
    longest_log: u64,
}

impl Room {
    pub(crate) fn new(path: &Path, disk_reserve: u64, longest_log: u64) -> Self {
        Self { path: path.to_owned(), log: beside(path, "-wal"), disk_reserve, longest_log }
    }

    /// Fails when the disk has no more room than what settling needs, or when the log has become too long.
    pub(crate) fn check(&self) -> Done<()> {
        let full = |message| Err(Failed::new(ErrorCode::OutboxFull, message));
        if free_bytes(&self.path).is_some_and(|free| free < self.disk_reserve) {
            let reserve = self.disk_reserve.div_ceil(MIB);
            return full(format!("the disk of the outbox has less than {reserve} MiB left"));
        }
        let log = std::fs::metadata(&self.log).map_or(0, |log| log.len());
        if log > self.longest_log {
            let length = log / MIB;
            return full(format!(
                "a program reads the file of the outbox for too long: its log has {length} MiB"
            ));
        }
        Ok(())
    }
}
