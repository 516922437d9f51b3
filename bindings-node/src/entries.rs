//! Entries of an outbox. However many they are, they cross as one text, because each value of an object costs as much to cross as an
//! entry costs to read.

use std::{future::Future, mem};

use napi_derive::napi;
use serde::Deserialize;
use ssf_bindings::{emission, outbox::EntryOptions};
use ssf_transmitter::{
    self as sdk,
    outbox::{Checked, Enqueued, Entry},
};
use tokio::task::JoinHandle;

use crate::{
    failure::{Failure, Outcome, outcome},
    key::moment,
    outbox::Outbox,
    policy::milliseconds,
    records::{Finding, findings},
    runtime::runtime,
};

/// The JSON of an entry, which is given by its lines.
#[napi]
pub fn entry_json(lines: String) -> Outcome<String> {
    outcome(Lines(lines).one().and_then(|entry| Ok(entry.to_json()?)))
}

/// What was accepted.
#[napi(object, object_from_js = false)]
pub struct Accepted {
    /// As JSON: `[[jti, …], repeated]` for each entry.
    pub entries: String,
    /// Those of each entry, if there are any.
    pub findings: Option<Vec<Vec<Finding>>>,
}

impl From<Vec<Enqueued>> for Accepted {
    fn from(all: Vec<Enqueued>) -> Self {
        let entries: Vec<_> = all.iter().map(|one| (&one.jtis, one.repeated)).collect();
        let entries = serde_json::to_string(&entries).unwrap_or_default();
        let found = all.iter().any(|one| !one.findings.is_empty());
        let findings = found.then(|| all.iter().map(|one| findings(&one.findings)).collect());
        Self { entries, findings }
    }
}

/// Three lines of JSON for each entry: the event, the subject (empty without one), and [`Options`].
pub(crate) struct Lines(pub(crate) String);

/// What can be set of an entry, with times in milliseconds since 1970 and spans in milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Options {
    to: Vec<String>,
    private_formats: bool,
    txn: Option<String>,
    toe: Option<f64>,
    jti: Option<String>,
    /// Each is JSON.
    companions: Vec<String>,
    idempotency_key: Option<String>,
    not_before: Option<f64>,
    max_age: Option<f64>,
    priority: Option<String>,
    supersedes: Option<String>,
    ordered: bool,
}

impl Lines {
    /// The entry, if it is one.
    pub(crate) fn one(&self) -> Result<Entry, Failure> {
        self.entries().next().unwrap_or_else(|| Err(unreadable()))
    }

    /// All of them, checked. An error has the index of the entry as the first step of its pointer; the first entry has the index `first`.
    pub(crate) fn checked(
        &self,
        outbox: &sdk::outbox::Outbox,
        first: usize,
    ) -> Result<Vec<Checked>, Failure> {
        let checked = |entry: Result<Entry, Failure>| Ok(outbox.check(&entry?)?);
        let all = self.entries().map(checked).zip(first..);
        all.map(|(one, index)| one.map_err(|failure: Failure| failure.within(index))).collect()
    }

    fn entries(&self) -> impl Iterator<Item = Result<Entry, Failure>> {
        let mut lines = self.0.lines();
        std::iter::from_fn(move || {
            let event = lines.next()?;
            Some(entry(event, lines.next().unwrap_or_default(), lines.next().unwrap_or_default()))
        })
    }
}

/// Entries of one batch: other threads read and check what JavaScript has written, while it writes the next ones.
#[napi]
pub struct Entries {
    parts: Parts,
    count: usize,
}

/// Entries in the order of the batch. Dropped, they are not read any more.
#[derive(Default)]
struct Parts(Vec<JoinHandle<Result<Vec<Checked>, Failure>>>);

impl Drop for Parts {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

#[napi]
impl Entries {
    #[napi(constructor)]
    #[allow(clippy::new_without_default, reason = "for JavaScript")]
    pub fn new() -> Self {
        Self { parts: Parts::default(), count: 0 }
    }

    /// Adds entries: the lines of each, and how many they are.
    #[napi]
    pub fn add(&mut self, outbox: &Outbox, lines: String, count: u32) -> Outcome<()> {
        outcome(runtime().map(|runtime| {
            let (opened, first) = (outbox.opened(), self.count);
            self.count += count as usize;
            let part = async move { Lines(lines).checked(&opened.await?, first) };
            self.parts.0.push(runtime.spawn(part));
        }))
    }

    /// All of them, as soon as they are checked.
    pub(crate) fn take(&mut self) -> impl Future<Output = Result<Vec<Checked>, Failure>> + Send + 'static {
        let mut parts = mem::take(&mut self.parts);
        async move {
            let mut all = Vec::new();
            for part in &mut parts.0 {
                let part = part.await.map_err(|_| Failure::internal("a task ended without a result"))?;
                all.extend(part?);
            }
            Ok(all)
        }
    }
}

fn entry(event: &str, subject: &str, options: &str) -> Result<Entry, Failure> {
    let options: Options = serde_json::from_str(options).map_err(|_| unreadable())?;
    let event = emission::event(event)?;
    let subject = match subject {
        "" => None,
        json => Some(emission::subject(json, options.private_formats)?),
    };
    Ok(options.read()?.entry(event, subject)?)
}

impl Options {
    fn read(self) -> sdk::Result<EntryOptions> {
        Ok(EntryOptions {
            to: self.to,
            txn: self.txn,
            toe: self.toe.map(moment),
            jti: self.jti,
            companions: self
                .companions
                .iter()
                .map(|json| emission::event(json))
                .collect::<sdk::Result<_>>()?,
            idempotency_key: self.idempotency_key,
            not_before: self.not_before.map(moment),
            max_age: self.max_age.map(milliseconds).transpose()?,
            priority: self.priority,
            supersedes: self.supersedes,
            ordered: self.ordered,
        })
    }
}

fn unreadable() -> Failure {
    Failure::internal("an entry crossed in another form than its lines")
}
