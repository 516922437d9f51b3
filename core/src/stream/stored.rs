//! A stream as the API has it, and as a store keeps it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{canary::Canary, removals::Removal, stopping::Stopping};
use crate::{
    error::{Error, ErrorCode, Result},
    event::StreamStatus,
    outbox::{Payload, Seal, StreamRecord},
    secret::Secret,
    time::Timestamp,
};

/// Binds what is sealed to its purpose.
const PURPOSE: &str = "stream";
/// Most configurations need no more, so that no copy of a credential stays in memory where a buffer has grown.
const ROOM: usize = 4096;

/// A stream.
#[derive(Clone)]
pub(super) struct Stream {
    pub(super) record: StreamRecord,
    pub(super) configuration: Configuration,
}

/// What the API keeps of a stream, and the store does not read. It holds a credential: it is never shown. Times are in milliseconds
/// since 1970.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct Configuration {
    pub(super) aud: Value,
    /// Whether the receiver has set it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) own_audience: bool,
    /// The id of its dialect, if it is not `ssf-1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dialect: Option<String>,
    pub(super) events_requested: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) delivery: Delivery,
    /// Why the stream has its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// When the receiver asked for a verification last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verified_at: Option<i64>,
    /// When the receiver did something with the stream last, as exactly as its timeout needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) active_at: Option<i64>,
    /// What the transmitter itself stops, or has stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stopping: Option<Stopping>,
    /// The verification that the transmitter itself sent last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) canary: Option<Canary>,
    /// Subjects that the receiver has removed, and that have not gone yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) removals: Vec<Removal>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
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
    #[serde(default, skip_serializing_if = "Option::is_none", with = "exposed")]
    pub(super) authorization_header: Option<Secret<String>>,
}

/// A secret as text, which goes nowhere but into a [`Seal`].
mod exposed {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use crate::secret::Secret;

    #[allow(clippy::ref_option, reason = "serde asks for it")]
    pub(super) fn serialize<S: Serializer>(
        secret: &Option<Secret<String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(Secret::expose).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret<String>>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}

impl Stream {
    pub(super) fn open(seal: Option<&Seal>, record: StreamRecord) -> Result<Self> {
        let plain = Zeroizing::new(Seal::open(seal, PURPOSE, record.configuration.as_bytes())?);
        let damaged = || Error::new(ErrorCode::OutboxCorrupt, "the configuration of a stream is damaged");
        let configuration = serde_json::from_slice(&plain).map_err(|_| damaged())?;
        Ok(Self { record, configuration })
    }

    pub(super) fn close(self, seal: Option<&Seal>) -> Result<StreamRecord> {
        let mut plain = Vec::with_capacity(ROOM);
        serde_json::to_writer(&mut plain, &self.configuration)
            .map_err(|error| Error::internal("the configuration of a stream is JSON").because(error))?;
        let configuration = Payload::from(Seal::seal(seal, PURPOSE, plain)?);
        Ok(StreamRecord { configuration, ..self.record })
    }

    /// Changes the status. Where the stream begins anew, what was counted before says nothing.
    pub(super) fn set_status(&mut self, status: StreamStatus, reason: Option<String>, now: Timestamp) {
        if status == StreamStatus::Enabled && self.record.status != status {
            if let Some(canary) = &mut self.configuration.canary {
                canary.begin_anew(now);
            }
            self.configuration.active_at = Some(now.as_unix_millis());
        }
        self.record.status = status;
        self.configuration.reason = reason;
        self.configuration.stopping = None;
    }
}
