//! Where a worker sends the events of a stream.

use super::{StreamApi, stored::Stream};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorCode, Result},
    secret::Secret,
    set::Audience,
};

/// The receiver of a push stream, as its configuration names it.
pub(crate) struct PushTarget {
    pub(crate) version: u64,
    pub(crate) endpoint_url: String,
    pub(crate) authorization_header: Option<Secret<String>>,
    pub(crate) audience: Audience,
    pub(crate) dialect: Dialect,
    pub(crate) loopback: bool,
}

impl StreamApi {
    /// Where a worker sends the events of a stream; `None` if there is no such stream, or its receiver polls.
    pub(crate) async fn push_target(&self, id: &str) -> Result<Option<PushTarget>> {
        let Some(record) = self.store().stream(id).await? else { return Ok(None) };
        let Stream { record, configuration } = Stream::open(self.sealing(), record)?;
        let Some(endpoint_url) = configuration.delivery.endpoint_url else { return Ok(None) };
        let audience = serde_json::from_value(configuration.aud)
            .map_err(|_| Error::new(ErrorCode::OutboxCorrupt, "the audience of a stream is damaged"))?;
        let dialect = self.dialect(configuration.dialect.as_deref())?;
        Ok(Some(PushTarget {
            dialect,
            version: record.version,
            endpoint_url,
            authorization_header: configuration.delivery.authorization_header,
            audience,
            loopback: self.settings().loopback,
        }))
    }
}
