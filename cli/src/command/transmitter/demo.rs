//! Examples of the events that the transmitter advertises, for a certification run: it wants to see each of them.

use std::{collections::HashSet, time::Duration};

use serde_json::Value;
use ssf_transmitter::{
    Dialect, Error, Event, Subject,
    catalogue::EventType,
    outbox::{Entry, StreamStore},
    stream::StreamApi,
};
use tokio::time::MissedTickBehavior;

use super::super::{Failure, Result, event::example, output::say};

/// How often it looks for new streams.
const LOOK: Duration = Duration::from_secs(2);
/// So many streams are read at a time.
const PAGE: u32 = 500;

/// An example of each event.
pub(super) struct Demo {
    entries: Vec<Entry>,
}

impl Demo {
    pub(super) fn new(events: &[String]) -> Result<Self> {
        let entry = |name: &String| {
            let known = EventType::by_id(name).or_else(|| EventType::by_uri(name));
            let event = known.ok_or_else(|| Failure::from(format!("{name}: there is no example of it")))?;
            Ok(entry(event)?)
        };
        Ok(Self { entries: events.iter().map(entry).collect::<Result<_>>()? })
    }

    /// Publishes all of them, and returns how many they are.
    pub(super) async fn send(&self, api: &StreamApi) -> Result<usize, Error> {
        for entry in &self.entries {
            api.publish(entry.clone()).await?;
        }
        Ok(self.entries.len())
    }

    /// Publishes all of them whenever a stream is new, until it is aborted.
    pub(super) async fn follow(self: std::sync::Arc<Self>, api: StreamApi, store: impl StreamStore) {
        let mut known = HashSet::new();
        let mut times = tokio::time::interval(LOOK);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            times.tick().await;
            let sent = match streams(&store).await {
                Ok(streams) if streams.is_subset(&known) => Ok(0),
                Ok(streams) => {
                    known = streams;
                    self.send(&api).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = sent {
                say(&format!("the examples could not be published: {error}"));
            }
        }
    }
}

fn entry(event: &'static EventType) -> Result<Entry, Error> {
    let mut claims = example::claims(event, &Dialect::default())?;
    let subject = match claims.remove("sub_id") {
        Some(Value::Object(members)) => Some(Subject::from_members(members)),
        _ => None,
    };
    let found = claims.remove("events").unwrap_or_default();
    let entry = Entry::new(Event::from_value(found)?, subject);
    Ok(match claims.get("txn").and_then(Value::as_str) {
        Some(txn) => entry.txn(txn),
        None => entry,
    })
}

/// The ids of all streams.
async fn streams(store: &impl StreamStore) -> Result<HashSet<String>, Error> {
    let mut ids = HashSet::new();
    let mut after = None;
    loop {
        let page = store.streams(after, PAGE).await?;
        let Some(last) = page.last().map(|stream| stream.id.clone()) else { return Ok(ids) };
        ids.extend(page.into_iter().map(|stream| stream.id));
        after = Some(last);
    }
}
