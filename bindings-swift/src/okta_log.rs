//! Okta's System Log, and what it says of a SET.

use std::{future::IntoFuture as _, sync::Arc};

use ssf_bindings::{okta as okta_api, policy};
use ssf_transmitter::{
    self as sdk,
    okta::{self, Certainty, Sent},
};
use tokio::sync::Mutex;

use crate::{
    cancellation::Cancellation,
    failure::{Failure, Result},
    okta::Providers,
    policy::{moment_of, seconds_of, span_of},
    sets::SignedSet,
};

/// An actor or a target.
#[derive(uniffi::Record)]
pub struct LogEntity {
    pub id: Option<String>,
    pub kind: Option<String>,
    pub alternate_id: Option<String>,
    pub display_name: Option<String>,
}

/// An entry of the log.
#[derive(uniffi::Record)]
pub struct LogEvent {
    pub uuid: String,
    /// In seconds since 1970.
    pub published: Option<f64>,
    pub event_type: String,
    pub severity: Option<String>,
    pub display_message: Option<String>,
    pub result: Option<String>,
    pub reason: Option<String>,
    pub actor: Option<LogEntity>,
    pub targets: Vec<LogEntity>,
    /// As JSON.
    pub debug_data: Option<String>,
    /// All of it, as JSON.
    pub json: String,
}

/// Why a SET may not have arrived.
#[derive(uniffi::Record)]
pub struct ReceptionCause {
    pub id: String,
    pub certain: bool,
    pub meaning: String,
    pub remedy: String,
}

/// The reception of a SET.
#[derive(uniffi::Record)]
pub struct Reception {
    pub outcome: String,
    pub certainty: Option<String>,
    pub events: Vec<LogEvent>,
    pub causes: Vec<ReceptionCause>,
}

/// Which entries to read. Times and spans are in seconds.
#[derive(uniffi::Record)]
pub struct LogOptions {
    pub since: f64,
    pub until: Option<f64>,
    pub event_types: Option<Vec<String>>,
    pub page_size: i64,
    /// How often to look for new ones.
    pub follow: Option<f64>,
}

/// The entries of a log.
#[derive(uniffi::Object)]
pub struct LogPager(Arc<Mutex<sdk::client::LogPager>>);

#[uniffi::export]
impl LogPager {
    /// The next entry; nothing at the end.
    pub async fn next(&self, cancellation: Arc<Cancellation>) -> Result<Option<LogEvent>> {
        let log = Arc::clone(&self.0);
        cancellation.or(async move { Ok(log.lock().await.next().await?.as_ref().map(LogEvent::from)) }).await
    }
}

#[uniffi::export]
impl Providers {
    pub fn log(&self, options: LogOptions) -> Result<Arc<LogPager>> {
        let page_size = u16::try_from(options.page_size)
            .map_err(|_| Failure::config("a page of the log has 1 to 1000 entries"))?;
        let options = okta_api::LogOptions {
            since: moment_of(options.since)?,
            until: options.until.map(moment_of).transpose()?,
            event_types: options.event_types,
            page_size,
            follow: options.follow.map(span_of).transpose()?,
        };
        Ok(Arc::new(LogPager(Arc::new(Mutex::new(options.open(self.core()))))))
    }

    /// Looks for a SET that was answered at this time, in seconds since 1970.
    pub async fn received(
        &self,
        set: Arc<SignedSet>,
        answered_at: f64,
        deadline: Option<f64>,
        cancellation: Arc<Cancellation>,
    ) -> Result<Reception> {
        let searched = Sent::new(&set.0, moment_of(answered_at)?);
        let received = policy::received(self.core(), searched, deadline.map(span_of).transpose()?);
        let received = received.into_future();
        cancellation.or(async { Ok(received.await?.into()) }).await
    }
}

impl From<okta::Reception> for Reception {
    fn from(reception: okta::Reception) -> Self {
        Self {
            outcome: reception.outcome().as_str().to_owned(),
            certainty: reception.certainty().map(Certainty::as_str).map(str::to_owned),
            events: reception.events().iter().map(LogEvent::from).collect(),
            causes: reception.causes().iter().map(|cause| ReceptionCause::from(*cause)).collect(),
        }
    }
}

impl From<okta::Cause> for ReceptionCause {
    fn from(cause: okta::Cause) -> Self {
        let kind = cause.kind();
        let [id, meaning, remedy] = [kind.as_str(), kind.meaning(), kind.remedy()].map(str::to_owned);
        Self { id, certain: cause.is_certain(), meaning, remedy }
    }
}

impl From<&okta::LogEvent> for LogEvent {
    fn from(event: &okta::LogEvent) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Self {
            uuid: event.uuid().to_owned(),
            published: event.published().map(seconds_of),
            event_type: event.event_type().to_owned(),
            severity: text(event.severity()),
            display_message: text(event.display_message()),
            result: text(event.result()),
            reason: text(event.reason()),
            actor: event.actor().map(LogEntity::from),
            targets: event.targets().map(LogEntity::from).collect(),
            debug_data: event.debug_data().map(|data| serde_json::Value::Object(data.clone()).to_string()),
            json: serde_json::Value::Object(event.members().clone()).to_string(),
        }
    }
}

impl From<okta::LogEntity<'_>> for LogEntity {
    fn from(entity: okta::LogEntity<'_>) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Self {
            id: text(entity.id()),
            kind: text(entity.kind()),
            alternate_id: text(entity.alternate_id()),
            display_name: text(entity.display_name()),
        }
    }
}
