//! Where the outbox is: in a file, or in a database.

use std::{env, path::PathBuf};

use ssf_transmitter::{ErrorCode, outbox::Outbox};
use ssf_transmitter_postgres::{Builder, PostgresStore};
use ssf_transmitter_store::SqliteStore;

use super::super::{Class, Failure, Result, secret};

/// The variable with the password of a database whose URL contains none.
const PASSWORD: &str = "SSF_OUTBOX_PASSWORD";

#[derive(clap::Args)]
pub(super) struct Place {
    /// The file of the outbox
    #[arg(long, value_name = "FILE", conflicts_with_all = ["database", "schema"])]
    file: Option<PathBuf>,
    /// The PostgreSQL database of the outbox: its URL, or where the URL is: `env:NAME` or `file:PATH`
    ///
    /// A URL that contains a password is only read from there. The variable `SSF_OUTBOX_PASSWORD` may have the password, too.
    #[arg(long, value_name = "URL|env:NAME|file:PATH")]
    database: Option<String>,
    /// The schema of the tables in the database
    #[arg(long, value_name = "NAME", default_value = "ssf_outbox")]
    schema: String,
}

/// The URL of a database, from where the argument says. What it is given may be a password by mistake: messages do not repeat it.
fn url(argument: &str) -> Result<String> {
    if is_url(argument) {
        // What is before the last `@` may be a name and a password, and a parameter may be a password, too.
        let names = argument.rsplit_once('@').and_then(|(names, _)| names.split_once("://"));
        if names.is_some_and(|(_, names)| names.contains(':')) || argument.contains("password") {
            let message = "a command line is visible to others: --database takes a URL with a password from env:NAME or file:PATH";
            return Err(Failure::usage(message));
        }
        return Ok(argument.to_owned());
    }
    let place: secret::Place = argument.parse().map_err(|_| {
        Failure::usage("--database takes a URL that begins with postgresql://, env:NAME or file:PATH")
    })?;
    let url = place.read()?;
    if !is_url(&url) {
        return Err(Failure::new(Class::Configuration, "the URL of the database begins with postgresql://"));
    }
    Ok(url.to_string())
}

fn is_url(text: &str) -> bool {
    text.starts_with("postgresql://") || text.starts_with("postgres://")
}

/// An outbox that is open.
pub(super) struct Open {
    pub(super) outbox: Outbox,
    /// If it is in a file.
    pub(super) file: Option<SqliteStore>,
}

impl Place {
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
        let Some(file) = &self.file else {
            let store = self.database()?.connect().await?;
            return Ok(Open { outbox: Outbox::new(store), file: None });
        };
        if !creates && !file.exists() {
            return Err(Failure::new(Class::Outbox, "there is no such file"));
        }
        let store = SqliteStore::open(file)?;
        Ok(Open { outbox: Outbox::new(store.clone()), file: Some(store) })
    }

    /// The database.
    pub(super) fn database(&self) -> Result<Builder> {
        let url = match &self.database {
            Some(argument) => url(argument)?,
            None if self.file.is_some() => {
                return Err(Failure::usage("this is for an outbox in a database: name it with --database"));
            }
            None => return Err(Failure::usage("name the outbox with --file or --database")),
        };
        Ok(builder(url, &self.schema))
    }
}

/// The database that an argument names.
pub(in super::super) fn named(argument: &str, schema: &str) -> Result<Builder> {
    Ok(builder(url(argument)?, schema))
}

fn builder(url: String, schema: &str) -> Builder {
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
