//! Entries of transactions that could not be taken over.

use ssf_transmitter::{ErrorCode, Result, Timestamp};

use super::Kept;

/// An entry of a transaction of the host that could not be taken over, without what it says.
#[derive(Debug)]
#[non_exhaustive]
pub struct Refused {
    /// Its number.
    pub id: i64,
    /// When the transaction inserted it.
    pub enqueued_at: Timestamp,
    /// When a worker refused it.
    pub refused_at: Timestamp,
    /// Why.
    pub code: ErrorCode,
    /// The id or the URI of the event; `None` for what is not an entry.
    pub event: Option<String>,
    /// The ids of the SETs, in the order of the receivers.
    pub jtis: Vec<String>,
    /// The names of the receivers.
    pub receivers: Vec<String>,
}

impl From<ssf_transmitter_postgres::Refused> for Refused {
    fn from(refused: ssf_transmitter_postgres::Refused) -> Self {
        let ssf_transmitter_postgres::Refused { id, enqueued_at, refused_at, code, message, .. } = refused;
        let (event, deliveries) = message.map(|message| (message.event, message.deliveries)).unzip();
        let deliveries = deliveries.unwrap_or_default().into_iter();
        let (jtis, receivers) = deliveries.map(|delivery| (delivery.jti, delivery.receiver)).unzip();
        Self { id, enqueued_at, refused_at, code, event, jtis, receivers }
    }
}

impl Kept {
    /// Entries that were refused, by number; `after` is the last one of the page before. Only a database has them.
    pub async fn refused(&self, after: Option<i64>, limit: u32) -> Result<Vec<Refused>> {
        match self {
            Self::InMemory(_) | Self::InFile(_) => Ok(Vec::new()),
            Self::InDatabase(store) => {
                Ok(store.refused(after, limit).await?.into_iter().map(Into::into).collect())
            }
        }
    }
}
