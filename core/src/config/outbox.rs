//! The outbox that a file describes. The core says where it is; the stores open it.

use std::path::PathBuf;

use super::{Config, source, source::invalid};
use crate::{
    client::Check,
    error::{Error, Result},
    outbox::Outbox,
    secret::Secret,
};

/// Where the outbox is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OutboxPlace {
    /// In an SQLite file.
    File(PathBuf),
    /// In a PostgreSQL database.
    Database {
        /// The URL of the database, which may contain a password.
        url: Secret<String>,
        /// The schema of the tables, if it is not the default.
        schema: Option<String>,
    },
}

impl OutboxPlace {
    /// The check `outbox` of a doctor, as [`Check::outbox`] does it. A file that is not there yet is skipped: `open`, which would
    /// create it, is not awaited.
    pub async fn diagnose(&self, open: impl IntoFuture<Output = Result<Outbox>>) -> Check {
        match self {
            Self::File(path) if !path.exists() => Check::no_outbox_yet(),
            _ => Check::outbox(open).await,
        }
    }
}

impl Config {
    /// Where the outbox is. A URL that is kept elsewhere is read.
    ///
    /// Errors: `configuration_invalid` if the URL cannot be read, or does not begin with `postgresql://`.
    pub fn outbox(&self) -> Result<Option<OutboxPlace>> {
        let Some(outbox) = &self.settings.outbox else { return Ok(None) };
        if let Some(file) = &outbox.file {
            return Ok(Some(OutboxPlace::File(self.folder.join(file))));
        }
        let Some(url) = &outbox.database else { return Ok(None) };
        let url = source::url(url, &self.folder).and_then(postgresql);
        let url = self.placed("/outbox/database", url)?;
        Ok(Some(OutboxPlace::Database { url, schema: outbox.schema.clone() }))
    }

    /// Where the outbox is, for a program that needs one.
    ///
    /// Errors: `configuration_invalid` if the file has no `[outbox]`, and those of [`outbox`](Self::outbox).
    ///
    /// ```
    /// use ssf_transmitter::config::{Config, OutboxPlace};
    ///
    /// let config = Config::from_toml("[outbox]\nfile = 'outbox.db'")?;
    /// assert!(matches!(config.required_outbox()?, OutboxPlace::File(_)));
    ///
    /// let error = Config::from_toml("")?.required_outbox().unwrap_err();
    /// assert_eq!((error.message(), error.pointer()), ("[outbox] is missing", Some("/outbox")));
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn required_outbox(&self) -> Result<OutboxPlace> {
        self.outbox()?.ok_or_else(|| self.no_outbox())
    }

    /// The file of the outbox, for a program that opens no database: `SqliteStore::open(config.outbox_file()?)`.
    ///
    /// Errors: `configuration_invalid` if the file of settings has no `[outbox]`, or if its outbox is in a database. The URL
    /// of that is not read.
    ///
    /// ```
    /// use ssf_transmitter::config::Config;
    ///
    /// let config = Config::from_toml("[outbox]\nfile = '/var/lib/edr/outbox.db'")?;
    /// assert_eq!(config.outbox_file()?.to_str(), Some("/var/lib/edr/outbox.db"));
    ///
    /// let error = Config::from_toml("[outbox]\ndatabase = 'env:DATABASE_URL'")?.outbox_file().unwrap_err();
    /// assert_eq!(error.pointer(), Some("/outbox/database"));
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn outbox_file(&self) -> Result<PathBuf> {
        let outbox = self.settings.outbox.as_ref().ok_or_else(|| self.no_outbox())?;
        let file = outbox.file.as_ref().map(|file| self.folder.join(file));
        file.ok_or_else(|| {
            let error = invalid("this program keeps an outbox in a file only: set file instead of database");
            self.places.place("/outbox/database", error)
        })
    }

    fn no_outbox(&self) -> Error {
        self.places.place("/outbox", invalid("[outbox] is missing"))
    }
}

fn postgresql(url: Secret<String>) -> Result<Secret<String>> {
    if ["postgresql://", "postgres://"].iter().any(|start| url.expose().starts_with(start)) {
        return Ok(url);
    }
    Err(invalid("the URL of the database must begin with postgresql://"))
}
