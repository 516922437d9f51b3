//! Where the entries of an outbox are kept: in memory, in a file, or in a database.

use std::path::{Path, PathBuf};

use ssf_transmitter::{
    KeySet, Result,
    outbox::{MemoryStore, Outbox, WhenFull},
    stream::{StreamApi, StreamApiBuilder},
};
#[cfg(feature = "postgres")]
use ssf_transmitter::{config::OutboxPlace, secret::Secret};
#[cfg(feature = "postgres")]
use ssf_transmitter_postgres::{Builder, PostgresStore};
use ssf_transmitter_store::{Salvaged, SqliteStore};

#[cfg(feature = "postgres")]
use super::password::Password;
use crate::{invalid, set};

/// Where entries are kept.
#[derive(Clone)]
#[non_exhaustive]
pub enum Place {
    /// In the memory of the process.
    Memory {
        /// How many deliveries there is room for.
        capacity: Option<usize>,
        /// Whether an entry for which there is no room waits.
        waits: bool,
    },
    /// In an SQLite file.
    File(PathBuf),
    /// In a PostgreSQL database.
    #[cfg(feature = "postgres")]
    Database(Database),
}

/// A PostgreSQL database, and how connections to it are made.
#[cfg(feature = "postgres")]
#[derive(Clone)]
pub struct Database {
    url: String,
    settings: DatabaseSettings,
}

/// What can be set of a database.
#[cfg(feature = "postgres")]
#[derive(Clone, Default)]
pub struct DatabaseSettings {
    /// The schema of the tables.
    pub schema: Option<String>,
    /// How many connections there are at most.
    pub connections: Option<usize>,
    /// Whether the first operation creates or updates the tables.
    pub migrates: bool,
    /// In PEM.
    pub ca_bundles: Vec<Vec<u8>>,
    /// The chain and the private key, in PEM.
    pub client_certificate: Option<(Vec<u8>, Secret<Vec<u8>>)>,
    /// In place of one in the URL.
    pub password: Option<Password>,
}

#[cfg(feature = "postgres")]
impl DatabaseSettings {
    /// Whether nothing is set.
    fn is_empty(&self) -> bool {
        let Self { schema, connections, migrates, ca_bundles, client_certificate, password } = self;
        schema.is_none()
            && connections.is_none()
            && !migrates
            && ca_bundles.is_empty()
            && client_certificate.is_none()
            && password.is_none()
    }
}

impl Place {
    /// The place that a user names: the URL of a PostgreSQL database, or the path of a file.
    #[cfg(feature = "postgres")]
    pub fn named(place: PathBuf, settings: DatabaseSettings) -> Result<Self> {
        match place.to_str().and_then(|text| Some((text, text.split_once("://")?.0))) {
            Some((url, "postgresql" | "postgres")) => Self::database(url, settings),
            Some((_, scheme)) if is_scheme(scheme) => Err(invalid(
                "an outbox is in a file, named by its path, or in a PostgreSQL database, named by a URL that begins with `postgresql://`",
            )),
            _ if settings.is_empty() => Ok(Self::File(place)),
            _ => Err(invalid(
                "schema, connections, certificates, password and migration are for an outbox in a database, named by a URL that begins with `postgresql://`",
            )),
        }
    }

    /// The place that a file of settings names, with the other settings of a database; the file has the schema. They have
    /// no effect on an outbox in a file: the program need not know which of the two it is.
    #[cfg(feature = "postgres")]
    pub fn described(place: OutboxPlace, mut settings: DatabaseSettings) -> Result<Self> {
        match place {
            OutboxPlace::File(path) => Ok(Self::File(path)),
            OutboxPlace::Database { url, schema } => {
                settings.schema = schema;
                Self::database(url.expose(), settings)
            }
            _ => Err(invalid("the outbox of the file of settings is of a kind that is not known")),
        }
    }

    /// Wrong settings fail here, and not with the first entry.
    #[cfg(feature = "postgres")]
    fn database(url: &str, settings: DatabaseSettings) -> Result<Self> {
        let place = Database { url: url.to_owned(), settings };
        place.builder().check()?;
        Ok(Self::Database(place))
    }

    /// A short description without secrets.
    pub fn shown(&self) -> String {
        match self {
            Self::Memory { .. } => "in memory".to_owned(),
            Self::File(path) => path.display().to_string(),
            #[cfg(feature = "postgres")]
            Self::Database(database) => format!("postgresql, schema {}", database.builder().schema_name()),
        }
    }

    /// Whether its operations need the runtime.
    pub fn needs_runtime(&self) -> bool {
        match self {
            Self::Memory { .. } | Self::File(_) => false,
            #[cfg(feature = "postgres")]
            Self::Database(_) => true,
        }
    }

    pub(super) fn open(&self, around: Option<fn(&mut dyn FnMut())>) -> Result<(Outbox, Kept)> {
        Ok(match self {
            Self::Memory { capacity, waits } => {
                let store = set(MemoryStore::new(), *capacity, MemoryStore::capacity);
                let store = store.when_full(if *waits { WhenFull::Wait } else { WhenFull::Refuse });
                (Outbox::new(store.clone()), Kept::InMemory(store))
            }
            Self::File(path) => {
                let store = SqliteStore::builder(path);
                let store = set(store, around, |store, around| store.around(around)).open()?;
                (Outbox::new(store.clone()), Kept::InFile(store))
            }
            #[cfg(feature = "postgres")]
            Self::Database(database) => {
                let store = database.open()?;
                (Outbox::new(store.clone()), Kept::InDatabase(store))
            }
        })
    }
}

#[cfg(feature = "postgres")]
impl Database {
    /// The schema of the tables, unless it is the default.
    pub(super) fn schema(&self) -> Option<&str> {
        self.settings.schema.as_deref()
    }

    /// What belongs to all connections but the password.
    fn builder(&self) -> Builder {
        let DatabaseSettings { schema, connections, migrates, ca_bundles, client_certificate, .. } =
            self.settings.clone();
        let builder = set(PostgresStore::builder(&self.url), schema, Builder::schema);
        let builder = set(builder, connections, Builder::connections);
        let builder = ca_bundles.into_iter().fold(builder, Builder::ca_bundle);
        let builder = set(builder, client_certificate, |builder, (chain, key)| {
            builder.client_certificate(chain, key.expose().as_slice())
        });
        if migrates { builder.migrate_first() } else { builder }
    }

    fn open(&self) -> Result<PostgresStore> {
        set(self.builder(), self.settings.password.clone(), |builder, password| password.set(builder)).open()
    }
}

/// Longer than a drive of Windows.
#[cfg(feature = "postgres")]
fn is_scheme(text: &str) -> bool {
    let known = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
    text.len() > 1 && text.starts_with(|letter: char| letter.is_ascii_alphabetic()) && text.chars().all(known)
}

/// What an open outbox is kept in.
#[derive(Clone)]
#[non_exhaustive]
pub enum Kept {
    /// Nothing is kept beyond the process.
    InMemory(MemoryStore),
    /// An SQLite file.
    InFile(SqliteStore),
    /// A PostgreSQL database.
    #[cfg(feature = "postgres")]
    InDatabase(PostgresStore),
}

impl Kept {
    /// Tells workers that a transaction with a statement was committed. It needs the runtime, and what is in memory or in a file needs no hint.
    #[cfg(feature = "postgres")]
    pub fn wake(&self) {
        if let Self::InDatabase(store) = self {
            store.wake();
        }
    }

    /// Begins a stream API whose streams are kept beside the deliveries.
    pub(crate) fn streams(&self, issuer: &str, keys: KeySet) -> StreamApiBuilder {
        match self {
            Self::InMemory(store) => StreamApi::builder(issuer, keys, store.clone()),
            Self::InFile(store) => StreamApi::builder(issuer, keys, store.clone()),
            #[cfg(feature = "postgres")]
            Self::InDatabase(store) => StreamApi::builder(issuer, keys, store.clone()),
        }
    }

    /// Reads the whole file, and tells what is damaged: nothing, if it is in memory.
    pub async fn check(self) -> Result<Vec<String>> {
        match self {
            Self::InMemory(_) => Ok(Vec::new()),
            Self::InFile(store) => store.check().await,
            #[cfg(feature = "postgres")]
            Self::InDatabase(_) => Err(no_file("check it with the tools of PostgreSQL, such as pg_amcheck")),
        }
    }

    /// Copies the file, as it is at one moment. Waits for the disk on the thread that polls it.
    pub async fn backup(self, target: PathBuf) -> Result<()> {
        match self {
            Self::InMemory(_) => Err(invalid("an outbox in memory has no file to back up")),
            Self::InFile(store) => store.backup(target).await,
            #[cfg(feature = "postgres")]
            Self::InDatabase(_) => Err(no_file("back up the database")),
        }
    }
}

#[cfg(feature = "postgres")]
fn no_file(advice: &str) -> ssf_transmitter::Error {
    invalid(&format!("an outbox in a database has no file: {advice}"))
}

/// Puts a damaged file aside, and copies what can be read of it into a new one. Blocks meanwhile.
pub fn salvage(path: &Path) -> Result<Salvaged> {
    #[cfg(feature = "postgres")]
    if let Ok(Place::Database(_)) = Place::named(path.to_owned(), DatabaseSettings::default()) {
        return Err(no_file("restore the database from its backup"));
    }
    SqliteStore::salvage(path)
}
