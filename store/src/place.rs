//! Where the file of an outbox may be.

use std::path::{Path, PathBuf};

use ssf_transmitter::{Error, ErrorCode, Result};

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::OutboxPlaceInvalid, message)
}

/// The full path of the file, without symbolic links, if an outbox may be there. The file need not exist.
pub(crate) fn resolve(path: &Path) -> Result<PathBuf> {
    let Some(name) = path.file_name() else { return Err(invalid("the path of the outbox names no file")) };
    let resolved = match path.symlink_metadata() {
        // Also fails for a link to nowhere.
        Ok(_) => path.canonicalize().map_err(|_| invalid("the file of the outbox cannot be read"))?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).canonicalize();
            folder.map_err(|_| invalid("the folder of the outbox does not exist"))?.join(name)
        }
        Err(_) => return Err(invalid("the folder of the outbox cannot be read")),
    };
    if resolved.metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(invalid("the outbox is not a regular file"));
    }
    let folder = resolved.parent().unwrap_or(Path::new("/"));
    if !is_local(folder) {
        return Err(invalid("the outbox is on a network file system, whose locks do not protect it"));
    }
    Ok(resolved)
}

/// A file beside the one of the outbox: `-wal`, `-lock`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Creates the file for its owner only; SQLite gives `-wal` and `-shm` the same rights.
pub(crate) fn create(path: &Path) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(_) => Err(Error::new(ErrorCode::OutboxUnavailable, "the file of the outbox cannot be created")),
    }
}

/// By the numbers in `statfs(2)` and in the headers of Linux. FUSE is allowed, because it is also what is below containers and encrypted
/// disks; 9p is not, because it does not share the memory that WAL needs.
#[cfg(target_os = "linux")]
const NETWORK: &[(&str, u64)] = &[
    ("nfs", 0x6969),
    ("smb", 0x517b),
    ("cifs", 0xff53_4d42),
    ("smb2", 0xfe53_4d42),
    ("afs", 0x5346_414f),
    ("afs of the kernel", 0x6b41_4653),
    ("coda", 0x7375_7245),
    ("ncp", 0x564c),
    ("ceph", 0x00c3_6400),
    ("9p", 0x0102_1997),
    ("ocfs2", 0x7461_636f),
    ("gfs2", 0x0116_1970),
    ("lustre", 0x0bd0_0bd0),
];

#[cfg(target_os = "linux")]
fn is_local(folder: &Path) -> bool {
    let Ok(found) = nix::sys::statfs::statfs(folder) else { return true };
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "the type depends on the platform")]
    let number = found.filesystem_type().0 as u64 & 0xffff_ffff;
    !NETWORK.iter().any(|(_, network)| *network == number)
}

#[cfg(target_os = "macos")]
fn is_local(folder: &Path) -> bool {
    let found = nix::sys::statfs::statfs(folder);
    found.is_ok_and(|found| found.flags().contains(nix::mount::MntFlags::MNT_LOCAL))
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn is_local(_: &Path) -> bool {
    true
}

/// How many bytes the disk has left for this process, if that is known.
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = nix::sys::statvfs::statvfs(path).ok()?;
        #[allow(clippy::useless_conversion, reason = "the types depend on the platform")]
        Some(u64::from(found.blocks_available()).saturating_mul(u64::from(found.fragment_size())))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Makes the new names survive a power cut, where the system can do that.
pub(crate) fn sync_folder(path: &Path) {
    #[cfg(unix)]
    if let Some(folder) = path.parent()
        && let Ok(folder) = std::fs::File::open(folder)
    {
        drop(folder.sync_all());
    }
    #[cfg(not(unix))]
    let _ = path;
}
