//! The files of a rotation: the key that signs, the next one, and the one before.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use ssf_transmitter::{ErrorCode, Jwks, KeySet, KeySource, KeyType, SigningKey, Timestamp, secret::Secret};
use zeroize::Zeroizing;

use super::super::{Readers, form::Form, write};
use crate::command::{Class, Failure, Result, input};

/// A key in a file, and those beside it.
pub(super) struct Files {
    source: KeySource,
    pub(super) current: PathBuf,
    pub(super) next: PathBuf,
    pub(super) previous: PathBuf,
}

impl Files {
    /// The files of a source, which has to be a file.
    pub(super) fn of(source: KeySource) -> Result<Self> {
        let current = source.file_path().ok_or_else(|| by_hand(&source))?.to_owned();
        if fs::symlink_metadata(&current).is_ok_and(|file| file.is_symlink()) {
            let message = format!("{} is a link: name the file itself with --key", current.display());
            return Err(Failure::new(Class::Key, message));
        }
        let (next, previous) = (beside(&current, "next"), beside(&current, "previous"));
        Ok(Self { source, current, next, previous })
    }

    /// The key of one of these files, if there is such a file.
    pub(super) fn read(&self, path: &Path) -> Result<Option<SigningKey>> {
        if !path.try_exists().map_err(|error| Failure::file(path, &error))? {
            return Ok(None);
        }
        Ok(Some(self.source.clone().with_file(path).read()?))
    }

    /// The key that signs.
    pub(super) fn current(&self) -> Result<SigningKey> {
        Ok(self.source.read()?)
    }

    /// Since when there is a next key. A file that was copied is younger, which is the safe side.
    pub(super) fn staged(&self) -> Result<Timestamp> {
        let modified = fs::metadata(&self.next).and_then(|file| file.modified());
        let modified = modified.map_err(|error| Failure::file(&self.next, &error))?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Timestamp::from_unix_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Makes the next key, and writes it as the current one is written.
    pub(super) fn stage(&self, key_type: Option<KeyType>, kid: Option<&str>) -> Result {
        let current = self.current()?;
        let form = self.form()?;
        let mut next = match key_type {
            Some(key_type) => SigningKey::generate(key_type)?,
            None => SigningKey::generate(type_of(&current)?)?.with_algorithm(current.algorithm())?,
        };
        if let Some(kid) = kid {
            if form != Form::Jwk {
                return Err(Failure::usage("--kid is for keys as JWK: other files hold no kid"));
            }
            next = next.with_kid(kid)?;
        }
        let bytes = match self.password()? {
            Some(password) => next.export_encrypted_pem(&password)?.expose().as_bytes().to_vec(),
            None => form.private(&next)?.expose().clone(),
        };
        write(&self.next, Secret::new(bytes).expose(), Readers::Owner)?;
        // What is wrong with it shows now, and not in a day.
        let checked = self.read(&self.next).and_then(|next| self.rotating(current, next));
        if checked.is_err() {
            fs::remove_file(&self.next).map_err(|error| Failure::file(&self.next, &error))?;
        }
        checked.map(drop)
    }

    /// The keys as the library rotates them.
    fn rotating(&self, current: SigningKey, next: Option<SigningKey>) -> Result<KeySet> {
        let keys = KeySet::new(current);
        if let Some(next) = next {
            keys.stage(next, self.staged()?).map_err(|error| match error.code() {
                ErrorCode::KidDuplicate => self.named_twice(),
                _ => error.into(),
            })?;
        }
        Ok(keys)
    }

    /// Lets the next key sign: if it has been there for so long, and if `check` finds nothing against it.
    pub(super) fn complete(
        &self,
        after: Duration,
        replaces_previous: bool,
        check: impl FnOnce(&SigningKey) -> Result,
    ) -> Result {
        let (current, next) = (self.current()?, self.read(&self.next)?);
        let keys = self.rotating(current.clone(), next.clone())?;
        keys.rotate(Timestamp::now(), after)
            .map_err(|error| Failure::from(error).in_place(self.next.display()))?;
        // One that is the current key was put there by a rotation that did not come to its end.
        if !replaces_previous && self.read(&self.previous)?.is_some_and(|key| !is_same(&key, &current)) {
            let message = format!(
                "{} exists: remove it when no SET that its key signed is on its way any more, or replace it with --force",
                self.previous.display()
            );
            return Err(Failure::new(Class::Key, message));
        }
        if let Some(next) = &next {
            check(next)?;
        }
        self.exchange()
    }

    /// Keeps the current key as the previous one, then lets the next one take its place. There is a current key at every moment:
    /// after a crash between the two, it is the previous one, too, and this begins again.
    fn exchange(&self) -> Result {
        let folder = self.current.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let kept = || -> io::Result<()> {
            let bytes = Zeroizing::new(fs::read(&self.current)?);
            let mut copy = tempfile::NamedTempFile::new_in(folder)?;
            copy.write_all(&bytes)?;
            copy.as_file().sync_all()?;
            copy.persist(&self.previous)?;
            sync(folder)
        };
        kept().map_err(|error| Failure::file(&self.previous, &error))?;
        let taken = || -> io::Result<()> {
            admit_same(&self.current, &self.next)?;
            File::options().write(true).open(&self.next)?.sync_all()?;
            fs::rename(&self.next, &self.current)?;
            sync(folder)
        };
        taken().map_err(|error| Failure::file(&self.current, &error))
    }

    /// The keys to publish: those of these files that exist, in this order.
    pub(super) fn jwks(&self) -> Result<Jwks> {
        let mut keys = vec![self.current()?];
        for path in [&self.next, &self.previous] {
            keys.extend(self.read(path)?.filter(|key| !is_same(key, &keys[0])));
        }
        Ok(Jwks::new(keys.iter().map(|key| key.public_key().clone()))?)
    }

    fn form(&self) -> Result<Form> {
        let text = fs::read(&self.current).map_err(|error| Failure::file(&self.current, &error))?;
        let text = Zeroizing::new(text);
        if !text.trim_ascii_start().starts_with(b"{") {
            return Ok(Form::Pem);
        }
        if text.windows(6).any(|word| word == b"\"keys\"") {
            let message = format!(
                "{} is a JWK Set: add the next key to it, and change the kid that you sign with a day later",
                self.current.display()
            );
            return Err(Failure::new(Class::Key, message));
        }
        Ok(Form::Jwk)
    }

    /// The password of the next key, if the current one has one.
    fn password(&self) -> Result<Option<Zeroizing<String>>> {
        let is_open = match KeySource::file(&self.current).read() {
            Err(error) => error.code() != ErrorCode::KeyPasswordMissing,
            Ok(_) => true,
        };
        if is_open {
            return Ok(None);
        }
        let missing =
            "the key is encrypted: set SSF_KEY_PASSWORD to its password, which the next key gets, too";
        input::password().map(Some).ok_or_else(|| Failure::new(Class::Key, missing))
    }

    fn named_twice(&self) -> Failure {
        let file = self.current.display();
        Failure::new(
            Class::Key,
            format!(
                "both keys would have the kid that ssf.toml sets. Write it into the key instead, and take it out there: \
                 ssf key show {file} --private --format jwk --kid KID --out NEW"
            ),
        )
    }
}

/// The file beside this one for another key: `ssf-key.next.pem`.
fn beside(path: &Path, which: &str) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push(".");
    name.push(which);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The type of a key, to make another one of it.
fn type_of(key: &SigningKey) -> Result<KeyType> {
    let jwk = key.public_key().to_jwk();
    let name = match (jwk["crv"].as_str(), jwk["n"].as_str()) {
        (Some(curve), _) => curve.to_owned(),
        // Four characters of base64 are three bytes.
        (None, modulus) => format!("RSA-{}", modulus.unwrap_or_default().len() * 3 / 4 * 8),
    };
    name.parse().map_err(|_| Failure::usage(format!("the key is {name}: choose another type with --type")))
}

fn is_same(one: &SigningKey, other: &SigningKey) -> bool {
    one.public_key().thumbprint() == other.public_key().thumbprint()
}

/// Lets those read a file who read the other one: the program that signs need not be who rotates.
fn admit_same(current: &Path, next: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt as _, chown};
        let (old, new) = (fs::metadata(current)?, fs::metadata(next)?);
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            chown(next, Some(old.uid()), Some(old.gid()))?;
        }
    }
    fs::set_permissions(next, fs::metadata(current)?.permissions())
}

/// Writes names to the disk, so that a power cut does not change their order.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// What to do where there is no file to make another one beside.
fn by_hand(source: &KeySource) -> Failure {
    let text = source.to_string();
    let steps = if text.starts_with("dir:") {
        "the names of its files rotate: add the next key under a name that sorts last, publish all of them, and rename it a day \
         later so that it sorts first"
            .to_owned()
    } else {
        format!(
            "make the next key where it is kept, publish both with ssf jwks --key {text} --key NEXT, and let it take the place of \
             the current one a day later"
        )
    };
    Failure::new(
        Class::Key,
        format!("ssf key rotate is for a key in a file, and this is {text}; there, {steps}"),
    )
}
