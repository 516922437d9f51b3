//! Where the streams of a run are kept.

use std::path::PathBuf;

use ssf_transmitter::{outbox::MemoryStore, stream::StreamApi};
use ssf_transmitter_postgres::PostgresStore;
use ssf_transmitter_store::SqliteStore;

use crate::{api, server};

/// Where streams are kept.
pub(crate) enum Kept {
    Memory,
    Sqlite(PathBuf),
    Postgres(server::Server),
}

impl Kept {
    pub(crate) fn chosen() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        match variable("SSF_BENCH_STORE").as_deref() {
            None => Self::Memory,
            Some("sqlite") => {
                let folder = PathBuf::from(variable("SSF_BENCH_FOLDER").expect("SSF_BENCH_FOLDER"));
                let folder = folder.join(format!("streams-{}", std::process::id()));
                std::fs::create_dir_all(&folder).unwrap();
                Self::Sqlite(folder)
            }
            Some("postgres") => Self::Postgres(server::Server::start(true)),
            Some(other) => panic!("there is no store {other}"),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// An API with an empty store, in a file or a schema of this name.
    pub(crate) async fn open(&self, name: &str) -> StreamApi {
        match self {
            Self::Memory => api(MemoryStore::new().capacity(10_000_000)),
            Self::Sqlite(folder) => api(SqliteStore::open(folder.join(format!("{name}.db"))).unwrap()),
            Self::Postgres(server) => {
                let builder = PostgresStore::builder(server.url()).schema(name);
                builder.migrate().await.unwrap();
                api(builder.connect().await.unwrap())
            }
        }
    }

    pub(crate) fn remove(self) {
        if let Self::Sqlite(folder) = self {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }
}
