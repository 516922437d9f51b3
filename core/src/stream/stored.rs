//! A stream as the API has it, and as a store keeps it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::{Error, ErrorCode, Result},
    outbox::{Payload, Seal, StreamRecord},
};

/// Binds what is sealed to its purpose.
const PURPOSE: &str = "stream";

/// A stream.
#[derive(Clone)]
pub(super) struct Stream {
    pub(super) record: StreamRecord,
    pub(super) configuration: Configuration,
}

/// What the API keeps of a stream, and the store does not read. It holds a credential: it is never shown.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Configuration {
    pub(super) aud: Value,
    pub(super) events_requested: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) delivery: Delivery,
    /// Why the stream has its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// When the receiver asked for a verification last, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verified_at: Option<i64>,
}

/// How SETs reach the receiver.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Delivery {
    /// As the receiver wrote it.
    pub(super) method: String,
    /// Where the receiver takes SETs; none if it polls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint_url: Option<String>,
    /// The exact value of the header `Authorization` of each push.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) authorization_header: Option<String>,
}

impl Stream {
    pub(super) fn open(seal: Option<&Seal>, record: StreamRecord) -> Result<Self> {
        let plain = Seal::open(seal, PURPOSE, record.configuration.as_bytes())?;
        let damaged = || Error::new(ErrorCode::OutboxCorrupt, "the configuration of a stream is damaged");
        let configuration = serde_json::from_slice(&plain).map_err(|_| damaged())?;
        Ok(Self { record, configuration })
    }

    pub(super) fn close(self, seal: Option<&Seal>) -> Result<StreamRecord> {
        let plain = serde_json::to_vec(&self.configuration)
            .map_err(|error| Error::internal("the configuration of a stream is JSON").because(error))?;
        let configuration = Payload::from(Seal::seal(seal, PURPOSE, plain)?);
        Ok(StreamRecord { configuration, ..self.record })
    }
}
