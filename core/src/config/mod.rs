//! The file of settings `ssf.toml`: issuer, key, receivers by name, and what else a transmitter is told.
//!
//! The command `ssf` reads the same file. It contains no secrets, but says where they are.
//!
//! ```
//! use ssf_transmitter::config::Config;
//!
//! let config = Config::from_toml(r#"
//!     issuer = "https://edr.example.com"
//!     key = "env:SSF_KEY"
//!
//!     [receivers.acme]
//!     okta = "https://acme.okta.com"
//! "#)?;
//! assert_eq!(config.receiver("acme")?.host(), "acme.okta.com");
//! # Ok::<(), ssf_transmitter::Error>(())
//! ```

mod agreement;
mod check;
mod commented;
mod outbox;
mod place;
mod receivers;
mod settings;
mod source;
mod table;
mod transmitter;
mod value;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

pub use outbox::OutboxPlace;
use place::Places;
pub use receivers::FetchedReceiver;
use settings::Settings;
use source::invalid;

use crate::{
    client::{Check, Diagnosis},
    error::{Error, Result},
};

/// The settings in a file `ssf.toml`, checked as far as the text tells.
///
/// Keys, secrets and other files that it names are read when they are needed, and not before. Relative paths in the file
/// start at its own folder; commands run in the current one.
pub struct Config {
    settings: Settings,
    places: Places,
    folder: PathBuf,
}

impl Config {
    /// The usual name of the file.
    pub const FILE_NAME: &str = "ssf.toml";

    /// A JSON Schema (draft 7) of the file, for editors. It says what one key may be, and not which keys need or exclude each other.
    pub const JSON_SCHEMA: &str = include_str!("schema.json");

    /// Reads settings from a text. Relative paths start at the current folder.
    ///
    /// Errors are those of [`check_toml`](Self::check_toml), of which this is the first.
    ///
    /// ```
    /// use ssf_transmitter::config::Config;
    ///
    /// let error = Config::from_toml("issuer = 'https://edr.example.com'\n[retry]\nmax_attempt = 3").unwrap_err();
    /// assert_eq!(error.message(), "line 3: unknown key max_attempt; did you mean max_attempts?");
    /// assert_eq!(error.pointer(), Some("/retry/max_attempt"));
    /// ```
    pub fn from_toml(text: &str) -> Result<Self> {
        first(Self::parse(text, None))
    }

    /// Reads a file. Relative paths start at its folder, and errors name the file.
    ///
    /// Errors: `configuration_invalid` if the file cannot be read, and those of [`check_toml`](Self::check_toml).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        first(Self::parse_file(path.as_ref()))
    }

    /// The nearest file `ssf.toml`: in this folder, or in one around it.
    pub fn find(folder: impl AsRef<Path>) -> Option<PathBuf> {
        folder.as_ref().ancestors().map(|folder| folder.join(Self::FILE_NAME)).find(|path| path.is_file())
    }

    /// Reads the nearest file `ssf.toml`: in this folder, or in one around it.
    ///
    /// Errors: `configuration_invalid` if there is none, and those of [`read`](Self::read).
    ///
    /// ```
    /// use ssf_transmitter::config::Config;
    ///
    /// let error = Config::nearest("/").unwrap_err();
    /// assert_eq!(error.message(), "there is no ssf.toml in / or in a folder around it");
    /// ```
    pub fn nearest(folder: impl AsRef<Path>) -> Result<Self> {
        let folder =
            std::path::absolute(folder).map_err(|error| invalid(&format!("the current folder: {error}")))?;
        let missing = || {
            let message =
                format!("there is no {} in {} or in a folder around it", Self::FILE_NAME, folder.display());
            invalid(&message)
        };
        Self::read(Self::find(&folder).ok_or_else(missing)?)
    }

    /// All that is wrong with a text: syntax, unknown keys, values of the wrong kind, settings that contradict each other.
    /// Each error has the line in its message, and the place of the key as its pointer; none quotes a value.
    ///
    /// Errors are `configuration_invalid`, and `key_source_invalid` for the place of a key.
    pub fn check_toml(text: &str) -> Vec<Error> {
        Self::parse(text, None).err().unwrap_or_default()
    }

    /// All that is wrong with the text of a file. The messages name the file, too.
    pub fn check_file(path: impl AsRef<Path>) -> Vec<Error> {
        Self::parse_file(path.as_ref()).err().unwrap_or_default()
    }

    /// The checks `settings` of a doctor: each mistake that [`check_file`](Self::check_file) finds has one; without any,
    /// there is one that passed.
    ///
    /// ```
    /// use ssf_transmitter::config::Config;
    ///
    /// assert!(!Config::diagnose("/nowhere/ssf.toml").is_healthy());
    /// ```
    pub fn diagnose(path: impl AsRef<Path>) -> Diagnosis {
        const ID: &str = "settings";
        let path = path.as_ref();
        let problems = Self::check_file(path);
        if problems.is_empty() {
            return [Check::passed(ID, format!("the text of {} is valid", path.display()))]
                .into_iter()
                .collect();
        }
        problems.iter().map(|problem| Check::of_error(ID, problem)).collect()
    }

    /// All that is wrong with the settings once keys, secrets and other files are read, too. It blocks as those reads do.
    ///
    /// Nothing is sent.
    pub fn check(&self) -> Vec<Error> {
        let mut problems = Vec::new();
        let mut note = |checked: Result<()>| problems.extend(checked.err());
        if self.settings.issuer.is_some() || self.settings.key.is_some() {
            note(self.transmitter().map(drop));
        } else {
            note(self.lint_policy().map(drop));
            note(self.network().map(drop));
        }
        for name in self.receiver_names() {
            note(self.receiver(name).map(drop));
        }
        note(self.outbox().map(drop));
        problems
    }

    /// The `iss` of the SETs.
    pub fn issuer(&self) -> Option<&str> {
        self.settings.issuer.as_deref()
    }

    fn parse_file(path: &Path) -> Result<Self, Vec<Error>> {
        let text = fs::read_to_string(path)
            .map_err(|error| vec![invalid(&format!("{}: {error}", path.display()))])?;
        Self::parse(&text, Some(path))
    }

    fn parse(text: &str, path: Option<&Path>) -> Result<Self, Vec<Error>> {
        let mut places = Places { file: path.map(Into::into), ..Places::default() };
        let folder = path.and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let settings = check::read(text, &mut places)?;
        Ok(Self { settings, places, folder })
    }

    /// A result whose error is about the key at this pointer.
    fn placed<T>(&self, pointer: &str, result: Result<T>) -> Result<T> {
        result.map_err(|error| self.places.place(pointer, error))
    }
}

fn first(read: Result<Config, Vec<Error>>) -> Result<Config> {
    read.map_err(|errors| {
        errors.into_iter().next().unwrap_or_else(|| Error::internal("a file is rejected without a reason"))
    })
}

/// Commands that print a secret stay out of it: their arguments may be one.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("issuer", &self.settings.issuer)
            .field("receivers", &self.settings.receivers.keys())
            .finish_non_exhaustive()
    }
}
