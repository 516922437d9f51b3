//! Where a private key is kept: a variable, a file, a directory, standard input, or the output of a command.

mod command;
mod fetch;
mod grammar;
mod stamp;
mod watch;

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

pub use fetch::FetchedKeys;
pub(crate) use watch::Watch;

use crate::{
    error::{Error, Result},
    jose::Algorithm,
    key::{KeyOptions, SigningKey},
    secret::Secret,
};

/// Where a private key is kept, as text:
///
/// | text | the key is |
/// | --- | --- |
/// | `env:NAME` | the value of an environment variable |
/// | `file:PATH`, or the path alone | a file |
/// | `dir:PATH` | a directory of files with one key each, such as a mounted Kubernetes secret: the first by name signs, the others are published too; hidden files are ignored |
/// | `cmd:PROGRAM ARG…` | the output of a command, such as the client of a secret manager; words are split and quoted as in a POSIX shell, but no shell runs |
/// | `stdin:` or `-` | standard input, which can be read once |
///
/// A key may have any form that [`SigningKey::from_any`] reads. Errors name the source, never its content.
///
/// ```no_run
/// use std::time::Duration;
/// use ssf_transmitter::{KeySet, KeySource, Transmitter};
///
/// # fn example() -> Result<(), ssf_transmitter::Error> {
/// let key = KeySource::parse("env:SSF_KEY")?.kid("2026-11").read()?;
///
/// // A set that follows its source.
/// let source = KeySource::parse("dir:/var/run/secrets/ssf-keys")?;
/// let keys = KeySet::watch(&source, Duration::from_secs(60))?;
/// let transmitter = Transmitter::builder("https://edr.example.com", keys).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct KeySource {
    origin: Origin,
    options: KeyOptions,
    time_limit: Duration,
}

#[derive(Clone)]
enum Origin {
    Variable(String),
    File(PathBuf),
    Directory(PathBuf),
    Command(OsString, Vec<OsString>),
    Input,
}

impl KeySource {
    /// Reads the text of a source. Nothing is opened or run yet.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, KeySource};
    ///
    /// assert_eq!(KeySource::parse("/etc/ssf/key.pem")?.to_string(), "file:/etc/ssf/key.pem");
    /// let error = KeySource::parse("vault:secret/ssf").unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::KeySourceInvalid);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        grammar::parse(text).map(Self::new)
    }

    /// The file at a path, which need not be UTF-8.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Origin::File(path.into()))
    }

    /// The directory at a path, which need not be UTF-8.
    pub fn directory(path: impl Into<PathBuf>) -> Self {
        Self::new(Origin::Directory(path.into()))
    }

    /// A command with its arguments, as they are.
    pub fn command<A: Into<OsString>>(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        Self::new(Origin::Command(program.into(), arguments.into_iter().map(Into::into).collect()))
    }

    /// Sets the `kid`: it selects a key of a JWK Set, and names a key in any other form. The keys of a directory have their own.
    pub fn kid(mut self, kid: impl Into<String>) -> Self {
        self.options = self.options.kid(kid);
        self
    }

    /// Sets the algorithm to sign with, if the key supports several, such as PS256.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.options = self.options.algorithm(algorithm);
        self
    }

    /// Sets the password that decrypts the key, or every key of a directory that is encrypted.
    pub fn password(mut self, password: impl Into<Secret<String>>) -> Self {
        self.options = self.options.password(password);
        self
    }

    /// Sets `kid`, algorithm and password at once.
    pub fn options(mut self, options: KeyOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the time limit of a command; 30 seconds by default.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The path of the file, if the key is in one.
    ///
    /// ```
    /// use std::path::Path;
    /// use ssf_transmitter::KeySource;
    ///
    /// assert_eq!(KeySource::parse("file:ssf-key.pem")?.file_path(), Some(Path::new("ssf-key.pem")));
    /// assert_eq!(KeySource::parse("env:SSF_KEY")?.file_path(), None);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn file_path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::File(path) => Some(path),
            _ => None,
        }
    }

    /// A key in another file, with the same `kid`, algorithm and password: the next key of a rotation, for example.
    pub fn with_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.origin = Origin::File(path.into());
        self
    }

    /// Reads the key that signs. It blocks: a command for as long as it runs.
    pub fn read(&self) -> Result<SigningKey> {
        self.fetch()?.key()
    }

    /// Reads all keys, one at least: the first signs, the others are published too. It blocks like [`read`](Self::read).
    ///
    /// ```
    /// use ssf_transmitter::{KeySource, KeyType, SigningKey};
    ///
    /// let directory = std::env::temp_dir().join(format!("ssf-keys-{}", std::process::id()));
    /// std::fs::create_dir_all(&directory).unwrap();
    /// for name in ["1-current.pem", "2-next.pem"] {
    ///     let pem = SigningKey::generate(KeyType::P256)?.export_private_pem()?;
    ///     std::fs::write(directory.join(name), pem.expose()).unwrap();
    /// }
    /// assert_eq!(KeySource::directory(&directory).read_all()?.len(), 2);
    /// # std::fs::remove_dir_all(directory).unwrap();
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn read_all(&self) -> Result<Vec<SigningKey>> {
        self.fetch()?.keys()
    }

    /// The first half of [`read_all`](Self::read_all): gets the bytes, and does no cryptography. For hosts that do the two in
    /// different places; [`FetchedKeys::keys`] is the other half.
    pub fn fetch(&self) -> Result<FetchedKeys> {
        fetch::fetch(self)
    }

    /// The same source; a relative path starts at this folder.
    pub(crate) fn below(mut self, folder: &Path) -> Self {
        if let Origin::File(path) | Origin::Directory(path) = &mut self.origin {
            *path = folder.join(&*path);
        }
        self
    }

    fn new(origin: Origin) -> Self {
        Self { origin, options: KeyOptions::new(), time_limit: Duration::from_secs(30) }
    }

    /// Whether it holds the same for as long as this process lives.
    fn is_fixed(&self) -> bool {
        matches!(self.origin, Origin::Variable(_) | Origin::Input)
    }

    fn is_command(&self) -> bool {
        matches!(self.origin, Origin::Command(..))
    }
}

impl FromStr for KeySource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// The kind of source and its name. The arguments of a command are left out: one may be a secret.
impl fmt::Display for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Variable(name) => write!(formatter, "env:{name}"),
            Origin::File(path) => write!(formatter, "file:{}", path.display()),
            Origin::Directory(path) => write!(formatter, "dir:{}", path.display()),
            Origin::Command(program, arguments) => {
                let more = if arguments.is_empty() { "" } else { " …" };
                write!(formatter, "cmd:{}{more}", program.display())
            }
            Origin::Input => formatter.write_str("stdin:"),
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeySource({self})")
    }
}

/// How [`SigningKey`] gets its keys from where they are kept.
impl SigningKey {
    /// Reads the key in an environment variable, in any form: [`KeySource`] has options.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, SigningKey};
    ///
    /// let error = SigningKey::from_env("SSF_KEY_THAT_IS_NOT_SET").unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::KeySourceUnavailable);
    /// ```
    pub fn from_env(name: &str) -> Result<Self> {
        grammar::variable(name).map(KeySource::new)?.read()
    }

    /// Reads the key in a file, in any form: [`KeySource`] has options.
    ///
    /// ```
    /// use ssf_transmitter::{KeyType, SigningKey};
    ///
    /// let path = std::env::temp_dir().join(format!("ssf-key-{}.pem", std::process::id()));
    /// std::fs::write(&path, SigningKey::generate(KeyType::P256)?.export_private_pem()?.expose()).unwrap();
    /// assert_eq!(SigningKey::from_file(&path)?.algorithm().as_str(), "ES256");
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self> {
        KeySource::file(path).read()
    }
}
