//! Okta's System Log, and what it says of a SET. Entries go over as JSON, which costs less than objects do.

use std::sync::Arc;

use napi_derive::napi;
use serde_json::{Value, json};
use ssf_bindings::{okta::LogOptions, policy};
use ssf_transmitter::{
    self as sdk, SignedSet, Timestamp,
    okta::{Cause, Certainty, LogEntity, LogEvent, Reception, Sent},
};
use tokio::sync::Mutex;

use crate::{
    failure::{Failure, Outcome, Result, outcome},
    key::moment,
    mailbox::Mailbox,
    okta::Providers,
    policy::milliseconds,
};

/// Which entries to read.
#[napi(object, object_to_js = false)]
pub struct Query {
    pub since: f64,
    pub until: Option<f64>,
    pub event_types: Option<Vec<String>>,
    pub page_size: u16,
    /// How often to look for new ones.
    pub follow: Option<f64>,
}

/// The entries of a log.
#[napi]
pub struct LogPager(Arc<Mutex<sdk::client::LogPager>>);

#[napi]
impl LogPager {
    #[napi]
    pub fn open(providers: &Providers, query: Query) -> Outcome<LogPager> {
        let options = query.read().map_err(Failure::from);
        outcome(options.map(|options| Self(Arc::new(Mutex::new(options.open(providers.core()))))))
    }

    /// The next entry; nothing at the end.
    #[napi]
    pub fn next(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let log = Arc::clone(&self.0);
        mailbox.spawn(number, async move {
            let next = log.lock().await.next().await?;
            Ok(next.as_ref().map(|next| event(next).to_string()))
        })
    }
}

impl Query {
    fn read(self) -> sdk::Result<LogOptions> {
        Ok(LogOptions {
            since: moment(self.since),
            until: self.until.map(moment),
            event_types: self.event_types,
            page_size: self.page_size,
            follow: self.follow.map(milliseconds).transpose()?,
        })
    }
}

/// Looks for a SET that was answered at this time.
pub(crate) async fn received(
    providers: sdk::OktaProviders,
    compact: String,
    answered_at: f64,
    deadline: Option<f64>,
) -> Result<String> {
    let signed = SignedSet::parse(&compact).map_err(Failure::from)?;
    let deadline = deadline.map(milliseconds).transpose()?;
    let received = policy::received(&providers, Sent::new(&signed, moment(answered_at)), deadline);
    Ok(reception(&received.await?).to_string())
}

fn reception(reception: &Reception) -> Value {
    json!({
        "outcome": reception.outcome().as_str(),
        "certainty": reception.certainty().map(Certainty::as_str),
        "events": reception.events().iter().map(event).collect::<Vec<_>>(),
        "causes": reception.causes().iter().map(|cause| cause_parts(*cause)).collect::<Vec<_>>(),
    })
}

fn cause_parts(cause: Cause) -> Value {
    let kind = cause.kind();
    let (id, meaning, remedy) = (kind.as_str(), kind.meaning(), kind.remedy());
    json!({ "id": id, "isCertain": cause.is_certain(), "meaning": meaning, "remedy": remedy })
}

fn event(event: &LogEvent) -> Value {
    json!({
        "uuid": event.uuid(),
        "published": event.published().map(Timestamp::as_unix_millis),
        "eventType": event.event_type(),
        "severity": event.severity(),
        "displayMessage": event.display_message(),
        "result": event.result(),
        "reason": event.reason(),
        "actor": event.actor().map(entity),
        "targets": event.targets().map(entity).collect::<Vec<_>>(),
        "debugData": event.debug_data(),
        "members": event,
    })
}

fn entity(entity: LogEntity<'_>) -> Value {
    json!({
        "id": entity.id(),
        "type": entity.kind(),
        "alternateId": entity.alternate_id(),
        "displayName": entity.display_name(),
    })
}
