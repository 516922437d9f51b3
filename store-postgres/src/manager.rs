//! Connections: how they are made, and whether one can be used again.

use std::sync::Arc;

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use ssf_transmitter::{Result, key::BoxFuture};
use tokio_postgres::{Client, Config, Socket};

use crate::{
    connection::{Connection, Preparing},
    failed::{Done, Failed},
    schema::Schema,
    tls::{Stream, Tls},
};

/// Returns the password of the moment.
pub(crate) type Password = Arc<dyn Fn() -> BoxFuture<'static, Result<String>> + Send + Sync>;

/// Moves what a client sends and receives.
pub(crate) type Driver = tokio_postgres::Connection<Socket, Stream<Socket>>;

pub(crate) struct Manager {
    pub(crate) config: Config,
    pub(crate) tls: Tls,
    pub(crate) password: Option<Password>,
    pub(crate) schema: Schema,
    pub(crate) preparing: Preparing,
}

impl Manager {
    /// A connection that is driven in the background.
    pub(crate) async fn connect(&self) -> Done<Client> {
        let (client, connection) = self.open().await?;
        // It ends with the client. What goes wrong in it fails the operations of the client.
        tokio::spawn(async move { drop(connection.await) });
        Ok(client)
    }

    pub(crate) async fn open(&self) -> Done<(Client, Driver)> {
        let mut config = self.config.clone();
        if let Some(password) = &self.password {
            config.password(password().await?);
        }
        // Making a connection takes more memory than all that follows.
        Ok(Box::pin(config.connect(self.tls.clone())).await?)
    }
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = Failed;

    async fn create(&self) -> Done<Connection> {
        Connection::new(self.connect().await?, self.preparing.clone(), &self.schema).await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Failed> {
        if connection.client.is_closed() { Err(RecycleError::message("it is closed")) } else { Ok(()) }
    }
}
