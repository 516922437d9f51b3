//! Where the outbox is: in a file, or in a database.

use std::{
    env,
    path::{Path, PathBuf},
};

use ssf_transmitter::{
    Error, ErrorCode,
    config::{Config, OutboxPlace},
    outbox::Outbox,
};
use ssf_transmitter_postgres::{Builder, PostgresStore};
use ssf_transmitter_store::SqliteStore;

use super::super::{Class, Failure, Result, secret};

/// The schema of the tables, unless another one is named.
pub(in super::super) const SCHEMA: &str = "ssf_outbox";
/// The variable with the password of a database whose URL contains none.
const PASSWORD: &str = "SSF_OUTBOX_PASSWORD";

#[derive(clap::Args)]
pub(in super::super) struct Place {
    /// The file of the outbox
    #[arg(long, value_name = "FILE", conflicts_with_all = ["database", "schema"])]
    file: Option<PathBuf>,
    /// The PostgreSQL database of the outbox: its URL, or where the URL is: `env:NAME` or `file:PATH`
    ///
    /// A URL that contains a password is only read from there. The variable `SSF_OUTBOX_PASSWORD` may have the password, too.
    #[arg(long, value_name = "URL|env:NAME|file:PATH")]
    database: Option<String>,
    /// The schema of the tables in the database
    #[arg(long, value_name = "NAME", default_value = SCHEMA)]
    schema: String,
    #[arg(skip)]
    named: Named,
}

/// Where the place is named, for messages.
#[derive(Clone, Copy, Default)]
enum Named {
    #[default]
    CommandLine,
    Settings,
}

impl Named {
    fn failure(self, message: &str) -> Failure {
        match self {
            Self::CommandLine => Failure::usage(format!("--database {message}")),
            Self::Settings => Failure::from(format!("outbox.database {message}")),
        }
    }

    /// Why a password is not written there.
    fn readers(self) -> &'static str {
        match self {
            Self::CommandLine => "others can see a command line",
            Self::Settings => "a file of settings is no place for it",
        }
    }
}

/// The URL of a database, from where the argument says. What it is given may be a password by mistake: messages do not repeat it.
fn url(argument: &str, origin: Named) -> Result<String> {
    if is_url(argument) {
        // What is before the last `@` may be a name and a password, and a parameter may be a password, too.
        let before = argument.rsplit_once('@').and_then(|(names, _)| names.split_once("://"));
        if before.is_some_and(|(_, names)| names.contains(':')) || argument.contains("password") {
            let message = "takes a URL with a password only from env:NAME or file:PATH";
            return Err(origin.failure(&format!("{message}: {}", origin.readers())));
        }
        return Ok(argument.to_owned());
    }
    let place: secret::Place = argument
        .parse()
        .map_err(|_| origin.failure("takes a URL that begins with postgresql://, env:NAME or file:PATH"))?;
    let url = place.read()?;
    if !is_url(&url) {
        return Err(Failure::new(Class::Configuration, "the URL of the database begins with postgresql://"));
    }
    Ok(url.to_string())
}

fn is_url(text: &str) -> bool {
    text.starts_with("postgresql://") || text.starts_with("postgres://")
}

/// What an outbox is kept in.
pub(in super::super) enum Kept {
    File(SqliteStore),
    Database(PostgresStore),
}

/// An outbox that is open.
pub(super) struct Open {
    pub(super) outbox: Outbox,
    /// If it is in a file.
    pub(super) file: Option<SqliteStore>,
}

impl Place {
    /// A place that settings name.
    pub(in super::super) fn new(file: Option<PathBuf>, database: Option<String>, schema: String) -> Self {
        Self { file, database, schema, named: Named::Settings }
    }

    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    /// How messages name it.
    pub(super) fn shown(&self) -> String {
        match &self.file {
            Some(file) => file.display().to_string(),
            None => format!("schema {}", self.schema),
        }
    }

    /// Opens the outbox. A file is only created by who works: nobody else wants an empty one.
    pub(super) async fn open(&self, creates: bool) -> Result<Open> {
        if !creates && self.file.as_ref().is_some_and(|file| !file.exists()) {
            return Err(Failure::new(Class::Outbox, "there is no such file"));
        }
        Ok(match self.kept().await? {
            Kept::File(store) => Open { outbox: Outbox::new(store.clone()), file: Some(store) },
            Kept::Database(store) => Open { outbox: Outbox::new(store), file: None },
        })
    }

    /// Opens what the outbox is kept in. A file is created if there is none.
    pub(in super::super) async fn kept(&self) -> Result<Kept> {
        match &self.file {
            Some(file) => Ok(Kept::File(SqliteStore::open(file)?)),
            None => Ok(Kept::Database(self.database()?.connect().await?)),
        }
    }

    /// The database.
    pub(super) fn database(&self) -> Result<Builder> {
        let url = match &self.database {
            Some(argument) => url(argument, self.named)?,
            None if self.file.is_some() => {
                return Err(Failure::usage("this is for an outbox in a database: name it with --database"));
            }
            None => return Err(Failure::usage("name the outbox with --file or --database")),
        };
        Ok(builder(&url, &self.schema))
    }
}

/// Opens an outbox that exists: in this file, or where the file of settings says.
pub(in super::super) async fn open(file: Option<&Path>, config: Option<&Config>) -> Result<Outbox> {
    let place = if let Some(file) = file {
        OutboxPlace::File(file.to_owned())
    } else {
        let missing = || Failure::usage("name the file of the outbox with --outbox=FILE, or in ssf.toml");
        config.map(Config::outbox).transpose()?.flatten().ok_or_else(missing)?
    };
    let file = match &place {
        OutboxPlace::File(file) => Some(file.display().to_string()),
        _ => None,
    };
    open_at(place).await.map_err(|error| match file {
        Some(file) => Failure::from(error).in_place(file),
        None => error.into(),
    })
}

/// Opens an outbox where the library says that it is.
pub(in super::super) async fn open_at(place: OutboxPlace) -> ssf_transmitter::Result<Outbox> {
    match place {
        OutboxPlace::File(file) => Ok(Outbox::new(SqliteStore::open(&file)?)),
        OutboxPlace::Database { url, schema } => {
            let schema = schema.unwrap_or_else(|| SCHEMA.to_owned());
            Ok(Outbox::new(builder(url.expose(), &schema).connect().await?))
        }
        _ => {
            let message = "the outbox of the file of settings is of a kind that is not known";
            Err(Error::new(ErrorCode::ConfigurationInvalid, message))
        }
    }
}

fn builder(url: &str, schema: &str) -> Builder {
    let builder = PostgresStore::builder(url).schema(schema).connections(4);
    match env::var(PASSWORD) {
        Ok(password) => builder.password(move || std::future::ready(Ok(password.clone()))),
        Err(_) => builder,
    }
}

impl Open {
    /// The file, for what only files have.
    pub(super) fn file(&self) -> Result<&SqliteStore> {
        self.file.as_ref().ok_or_else(|| {
            let message = "an outbox in a database has no file: use the tools of PostgreSQL";
            ssf_transmitter::Error::new(ErrorCode::ConfigurationInvalid, message).into()
        })
    }
}
