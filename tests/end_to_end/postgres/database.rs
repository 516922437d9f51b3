//! A world whose outbox is in a database.

use std::path::Path;

use ssf_transmitter::outbox::Store;
use ssf_transmitter_postgres::PostgresStore;
use tokio_postgres::{Client, NoTls};

use crate::{
    server::Server,
    world::{World, until},
};

const URL_FILE: &str = "database";

/// The world, its server, and the outbox in it.
pub(crate) struct Database {
    pub(crate) world: World,
    pub(crate) server: Server,
}

impl Database {
    pub(crate) async fn start() -> Self {
        let (world, server) = (World::start().await, Server::start(true));
        PostgresStore::builder(server.url()).migrate().await.unwrap();
        std::fs::write(world.file().with_extension(URL_FILE), server.url()).unwrap();
        Self { world, server }
    }

    pub(crate) async fn open(&self) -> PostgresStore {
        connect(&self.world.file()).await
    }

    /// A connection of the test's own.
    pub(crate) async fn sql(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.server.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("SET search_path TO ssf_outbox").await.unwrap();
        client
    }
}

/// Connects to the database of the world, as soon as its server is there.
pub(crate) async fn connect(file: &Path) -> PostgresStore {
    let url = std::fs::read_to_string(file.with_extension(URL_FILE)).unwrap();
    until(async || PostgresStore::builder(&url).connections(4).connect().await.ok()).await
}

/// The answer of a store, although its server may be away for a while.
pub(crate) async fn counts(store: &PostgresStore) -> ssf_transmitter::outbox::Counts {
    until(async || store.counts().await.ok()).await
}
