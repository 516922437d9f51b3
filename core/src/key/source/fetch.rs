//! Gets the bytes of keys from where they are kept.

use std::{
    env, fmt,
    fs::{self, File},
    io::{self, Read},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use openssl::sha::Sha256;
use zeroize::Zeroizing;

use super::{
    KeySource, Origin, command,
    stamp::{self, Stamp},
};
use crate::{
    error::{Error, ErrorCode, Result},
    key::SigningKey,
};

/// No key, and no set of them, is longer.
const LIMIT: usize = 64 * 1024;
/// How often a directory is read that changes meanwhile.
const LOOKS: u32 = 5;

type Bytes = Zeroizing<Vec<u8>>;
/// Bytes with the name of their source.
type Named = (String, Bytes);

/// The bytes of the keys of a [`KeySource`], wiped on drop.
pub struct FetchedKeys {
    pub(super) source: KeySource,
    /// What the file system said of the files, if every later change would show.
    pub(super) stamp: Option<Stamp>,
    keys: Vec<Named>,
}

impl FetchedKeys {
    /// Reads the keys, one at least: the first signs, the others are published too.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, KeySource};
    ///
    /// let fetched = KeySource::command("echo", ["a text"]).fetch()?;
    /// assert_eq!(fetched.keys().unwrap_err().code(), ErrorCode::KeyFormatUnknown);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn keys(&self) -> Result<Vec<SigningKey>> {
        let read = |(name, bytes): &Named| {
            SigningKey::from_any(bytes, &self.source.options).map_err(|error| error.prefixed(name))
        };
        self.keys.iter().map(read).collect()
    }

    /// Reads the key that signs, the first.
    pub fn key(&self) -> Result<SigningKey> {
        let first = self.keys()?.into_iter().next();
        first.ok_or_else(|| Error::internal("the source contains no keys"))
    }

    /// The bytes of the first key, or of a secret that is kept like one.
    pub(crate) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.keys.into_iter().next().map(|(_, bytes)| bytes).unwrap_or_default()
    }

    /// Equal for equal keys.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (name, bytes) in &self.keys {
            for part in [name.as_bytes(), bytes] {
                digest.update(&part.len().to_be_bytes());
                digest.update(part);
            }
        }
        digest.finish()
    }
}

impl fmt::Debug for FetchedKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FetchedKeys").field("source", &self.source).finish_non_exhaustive()
    }
}

pub(super) fn fetch(source: &KeySource) -> Result<FetchedKeys> {
    let fetched = |stamp, keys| FetchedKeys { source: source.clone(), stamp, keys };
    let one = |bytes| fetched(None, vec![(source.to_string(), bytes)]);
    match &source.origin {
        Origin::Variable(name) => variable(source, name).map(one),
        Origin::Input => input(source).map(one),
        Origin::Command(program, arguments) => command::run(source, program, arguments).map(one),
        Origin::File(_) | Origin::Directory(_) => {
            let (stamp, keys) = settled(source)?;
            Ok(fetched(stamp.filter(Stamp::is_settled), keys))
        }
    }
}

fn variable(source: &KeySource, name: &str) -> Result<Bytes> {
    match env::var_os(name) {
        None => Err(unavailable(source, "the environment variable is not set")),
        Some(value) if value.is_empty() => Err(unavailable(source, "the environment variable is empty")),
        Some(value) => Ok(Zeroizing::new(value.into_encoded_bytes())),
    }
}

fn input(source: &KeySource) -> Result<Bytes> {
    static WAS_READ: AtomicBool = AtomicBool::new(false);
    if WAS_READ.swap(true, Ordering::Relaxed) {
        return Err(unavailable(source, "standard input can be read only once, and has already been read"));
    }
    read(source, io::stdin().lock())
}

/// The keys in files that do not change meanwhile, and their stamp.
fn settled(source: &KeySource) -> Result<(Option<Stamp>, Vec<Named>)> {
    let stamp = || Stamp::of(source).map_err(|error| unavailable(source, error));
    let mut problem = None;
    for _ in 0..LOOKS {
        let before = stamp()?;
        let read = files(source);
        match read {
            _ if before != stamp()? => {}
            Ok(keys) => return Ok((before, keys)),
            Err(error) => problem = Some(error),
        }
    }
    Err(problem.unwrap_or_else(|| unavailable(source, "it keeps changing while it is read")))
}

fn files(source: &KeySource) -> Result<Vec<Named>> {
    match &source.origin {
        Origin::Directory(path) => {
            if source.options.kid.is_some() {
                let message = "keys in a directory use their own kid or thumbprint: omit kid";
                return Err(Error::new(ErrorCode::KeySourceInvalid, message));
            }
            let files = stamp::files(path).map_err(|error| unavailable(source, error))?;
            if files.is_empty() {
                return Err(unavailable(
                    source,
                    "the directory contains no files (hidden files are ignored)",
                ));
            }
            let named = |path: &Path| {
                let name = path.file_name().unwrap_or_default();
                Ok((format!("{source}, file {}", name.display()), file(source, path)?))
            };
            files.iter().map(|path| named(path)).collect()
        }
        Origin::File(path) => Ok(vec![(source.to_string(), file(source, path)?)]),
        _ => Ok(Vec::new()),
    }
}

fn file(source: &KeySource, path: &Path) -> Result<Bytes> {
    if fs::metadata(path).is_ok_and(|file| file.is_dir()) {
        return Err(unavailable(source, "it is a directory: `dir:` reads the keys in one"));
    }
    read(source, File::open(path).map_err(|error| unavailable(source, error))?)
}

/// Reads to the end, into one allocation: growing would leave unwiped copies behind.
pub(super) fn read(source: &KeySource, mut reader: impl Read) -> Result<Bytes> {
    let mut bytes = Zeroizing::new(vec![0; LIMIT + 1]);
    let mut length = 0;
    while length < bytes.len() {
        match reader.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unavailable(source, error)),
        }
    }
    if length > LIMIT {
        return Err(unavailable(source, format!("it is longer than {LIMIT} bytes, too long for a key")));
    }
    bytes.truncate(length);
    Ok(bytes)
}

/// The error of a source, which its name tells, and why. `why` holds nothing of what is in it.
pub(super) fn unavailable(source: &KeySource, why: impl fmt::Display) -> Error {
    Error::new(ErrorCode::KeySourceUnavailable, format!("{source}: {why}"))
}
