//! A disk that can lose its power, and that can fill up.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::random::Random;

/// What a disk writes at once. A write of several sectors may stop between two of them.
const SECTOR: usize = 512;

/// The disks, by folder. Files elsewhere are not watched.
static DISKS: Mutex<Option<HashMap<PathBuf, Disk>>> = Mutex::new(None);

/// Why a file cannot be changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    PowerOff,
    Full,
}

/// A change of a file that is not on the disk before the next sync.
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

#[derive(Default)]
struct File {
    /// What survives for certain.
    synced: Vec<u8>,
    /// What may survive, each change for itself.
    unsynced: Vec<Change>,
    length: usize,
    /// Whether the folder is known to have the file.
    listed: bool,
}

/// The files of a folder, as a disk keeps them.
#[derive(Default)]
struct Disk {
    files: BTreeMap<PathBuf, File>,
    /// Files that were removed, which the folder may still have.
    removed: BTreeMap<PathBuf, Vec<u8>>,
    /// So many steps are left before the power fails.
    steps: Option<u32>,
    off: bool,
    room: Option<usize>,
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*offset..end].copy_from_slice(data);
            }
        }
    }

    /// What a power cut leaves of it: all, nothing, or the first sectors.
    fn torn(self, random: &mut Random) -> Option<Self> {
        match (random.below(3), self) {
            (0, _) => None,
            (1, Self::Write(offset, mut data)) => {
                let sectors = random.below(data.len().div_ceil(SECTOR));
                data.truncate(sectors * SECTOR);
                Some(Self::Write(offset, data))
            }
            (_, change) => Some(change),
        }
    }
}

impl File {
    fn change(&mut self, change: Change) {
        self.length = match &change {
            Change::Length(length) => *length,
            Change::Write(offset, data) => self.length.max(offset + data.len()),
        };
        self.unsynced.push(change);
    }

    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.synced);
        }
    }
}

impl Disk {
    /// Counts a step, at which the power may fail.
    fn step(&mut self) -> bool {
        if let Some(steps) = &mut self.steps {
            *steps = steps.saturating_sub(1);
            self.off |= *steps == 0;
        }
        self.off
    }

    fn file(&mut self, path: &Path) -> &mut File {
        self.files.entry(path.to_owned()).or_insert_with(|| {
            let synced = fs::read(path).unwrap_or_default();
            File { length: synced.len(), synced, ..File::default() }
        })
    }

    fn change(&mut self, path: &Path, change: Change) -> Result<(), Fault> {
        if self.off {
            return Err(Fault::PowerOff);
        }
        if let (Some(room), Change::Write(offset, data)) = (self.room, &change) {
            let used: usize = self.files.values().map(|file| file.length).sum();
            let more = (offset + data.len()).saturating_sub(self.file(path).length);
            if more > 0 && used + more > room {
                return Err(Fault::Full);
            }
        }
        self.file(path).change(change);
        if self.step() { Err(Fault::PowerOff) } else { Ok(()) }
    }

    fn sync(&mut self, path: &Path) -> Result<(), Fault> {
        if self.off || self.step() {
            return Err(Fault::PowerOff);
        }
        self.file(path).sync();
        // After the first sync of a log, SQLite syncs the folder.
        if path.to_string_lossy().ends_with("-wal") || path.to_string_lossy().ends_with("-journal") {
            self.files.values_mut().for_each(|file| file.listed = true);
            self.removed.clear();
        }
        Ok(())
    }

    fn remove(&mut self, path: &Path, synced: bool) -> Result<(), Fault> {
        if self.off || self.step() {
            return Err(Fault::PowerOff);
        }
        if let Some(file) = self.files.remove(path).filter(|file| file.listed && !synced) {
            self.removed.insert(path.to_owned(), file.synced);
        }
        Ok(())
    }

    /// Leaves in the folder what a power cut leaves, and switches the power on.
    fn restart(&mut self, random: &mut Random) {
        for (path, synced) in std::mem::take(&mut self.removed) {
            let gone = self.files.get(&path).is_none_or(|file| !file.listed);
            if gone && random.below(2) == 0 {
                self.files
                    .insert(path, File { length: synced.len(), synced, listed: true, ..File::default() });
            }
        }
        let files = std::mem::take(&mut self.files);
        for (path, mut file) in files {
            if !file.listed && random.below(2) == 0 {
                drop(fs::remove_file(&path));
                continue;
            }
            let left = file.unsynced.drain(..).filter_map(|change| change.torn(random));
            left.for_each(|change| change.apply(&mut file.synced));
            fs::write(&path, &file.synced).unwrap();
            file.length = file.synced.len();
            file.listed = true;
            self.files.insert(path, file);
        }
        (self.off, self.steps) = (false, None);
    }
}

fn disks() -> MutexGuard<'static, Option<HashMap<PathBuf, Disk>>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the disk that has this file; one that no test has inserted never fails.
fn on<T>(path: &Path, ask: impl FnOnce(&mut Disk) -> Result<T, Fault>) -> Result<(), Fault> {
    let mut disks = disks();
    let disk = path.parent().and_then(|folder| disks.as_mut()?.get_mut(folder));
    disk.map_or(Ok(()), |disk| ask(disk).map(drop))
}

pub(super) fn open(path: &Path) -> Result<(), Fault> {
    on(path, |disk| if disk.off { Err(Fault::PowerOff) } else { Ok(disk.file(path).length) })
}

pub(super) fn write(path: &Path, offset: usize, data: &[u8]) -> Result<(), Fault> {
    on(path, |disk| disk.change(path, Change::Write(offset, data.to_vec())))
}

pub(super) fn truncate(path: &Path, length: usize) -> Result<(), Fault> {
    on(path, |disk| disk.change(path, Change::Length(length)))
}

pub(super) fn sync(path: &Path) -> Result<(), Fault> {
    on(path, |disk| disk.sync(path))
}

pub(super) fn remove(path: &Path, synced: bool) -> Result<(), Fault> {
    on(path, |disk| disk.remove(path, synced))
}

/// The disk of a folder, as a test handles it.
pub(crate) struct Handle(PathBuf);

impl Handle {
    /// The folder is empty.
    pub(crate) fn insert(folder: &Path) -> Self {
        let folder = folder.canonicalize().unwrap();
        disks().get_or_insert_default().insert(folder.clone(), Disk::default());
        Self(folder)
    }

    fn with<T>(&self, ask: impl FnOnce(&mut Disk) -> T) -> T {
        ask(disks().as_mut().unwrap().get_mut(&self.0).unwrap())
    }

    /// Cuts the power after so many changes and syncs.
    pub(crate) fn cut_after(&self, steps: u32) {
        self.with(|disk| disk.steps = Some(steps));
    }

    /// Switches the power off, and on again. Nobody may have a file open.
    pub(crate) fn restart(&self, random: &mut Random) {
        self.with(|disk| disk.off = true);
        self.with(|disk| disk.restart(random));
    }

    /// Leaves so much room for files, or as much as they want.
    pub(crate) fn set_room(&self, bytes: Option<usize>) {
        self.with(|disk| disk.room = bytes);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        disks().as_mut().and_then(|disks| disks.remove(&self.0));
    }
}
