//! Looks up event types by name.

use crate::{
    catalogue::{EVENTS, EventType},
    error::{Error, ErrorCode, Result},
    near,
};

impl EventType {
    /// The event type with this id or URI. The error names the one that may have been meant.
    ///
    /// ```
    /// use ssf_transmitter::catalogue::EventType;
    ///
    /// assert_eq!(EventType::by_name("caep.session-revoked")?.family, "caep");
    /// let error = EventType::by_name("session-revokd").unwrap_err();
    /// assert!(error.message().ends_with("did you mean caep.session-revoked?"));
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn by_name(name: &str) -> Result<&'static Self> {
        if let Some(event) = Self::by_id(name).or_else(|| Self::by_uri(name)) {
            return Ok(event);
        }
        let local = |event: &Self| event.id.split_once('.').map_or(event.id, |(_, local)| local);
        let ids = EVENTS.iter().map(|event| event.id);
        let by_local = || {
            let meant = near::meant(name, EVENTS.iter().map(local))?;
            EVENTS.iter().find(|event| local(event) == meant).map(|event| event.id)
        };
        let meant = near::event_uri(name, EVENTS.iter().map(|event| event.uri))
            .or_else(|| near::meant(name, ids))
            .or_else(by_local);
        let message = match meant {
            Some(meant) => format!("no known event has this name; did you mean {meant}?"),
            None => "no known event has this name".to_owned(),
        };
        Err(Error::new(ErrorCode::EventUriInvalid, message))
    }
}
