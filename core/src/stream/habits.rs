//! How single kinds of receivers call the API, against the specification or before it: their dialects say so.

use url::Url;

use super::{Caller, StreamApi, problem::Problem, request::Members, stored::Stream};
use crate::{dialect::Dialect, error::Result, event::ssf, set::Audience};

impl StreamApi {
    /// The dialect with this id: one of the settings, or a built-in one. Without an id, it is `ssf-1.0`.
    pub(super) fn dialect(&self, id: Option<&str>) -> Result<Dialect> {
        let Some(id) = id else { return Ok(Dialect::default()) };
        let own = self.settings().dialects.iter().find(|dialect| dialect.id() == id);
        own.map_or_else(|| Dialect::built_in(id), |dialect| Ok(dialect.clone()))
    }

    /// The only stream of a caller that need not name it.
    pub(super) async fn only_stream(&self, caller: &Caller) -> Result<Option<String>, Problem> {
        if !self.dialect(caller.dialect_id())?.data().streams.optional_stream_id {
            return Ok(None);
        }
        match &mut self.store().streams_of(caller.receiver()).await?[..] {
            [] => Err(Problem::no_such_stream()),
            [stream] => Ok(Some(std::mem::take(&mut stream.id))),
            _ => Ok(None),
        }
    }

    /// Takes over the audience of a new stream, if its receiver sets it.
    pub(super) fn take_audience(&self, stream: &mut Stream, members: &Members) -> Result<(), Problem> {
        let dialect = self.dialect(stream.configuration.dialect.as_deref())?;
        let Some(audience) = members.get("aud").filter(|_| dialect.data().streams.receiver_audience) else {
            return Ok(());
        };
        stream.configuration.aud = audience.clone();
        stream.configuration.own_audience = true;
        check_audience(stream)
    }

    /// Sends the verification event that some receivers expect when they have created a stream.
    pub(super) async fn verify_new(&self, stream: &Stream) -> Result<()> {
        if self.dialect(stream.configuration.dialect.as_deref())?.data().streams.verifies_new {
            self.publish_to(&stream.record.id, ssf::Verification::new().into(), None, None).await?;
        }
        Ok(())
    }
}

/// Refuses an audience that is not where the SETs go. With that of another receiver, it would get SETs which that one would accept as
/// its own.
pub(super) fn check_audience(stream: &Stream) -> Result<(), Problem> {
    if !stream.configuration.own_audience {
        return Ok(());
    }
    let delivery = &stream.configuration.delivery;
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    let endpoint = delivery.endpoint_url.as_deref().and_then(origin);
    let is_own = |value: &String| endpoint.is_some() && origin(value) == endpoint;
    let audience: Option<Audience> = serde_json::from_value(stream.configuration.aud.clone()).ok();
    let fits = match audience {
        Some(Audience::One(value)) => is_own(&value),
        Some(Audience::Several(values)) => !values.is_empty() && values.iter().all(is_own),
        None => false,
    };
    if fits { Ok(()) } else { Err(Problem::member("aud", "must be at the place of delivery.endpoint_url")) }
}
