//! Entries of an outbox. However many they are, they cross as one text, because each value of an object costs as much to cross as an
//! entry costs to read.

use napi_derive::napi;
use serde::Deserialize;
use ssf_bindings::{emission, outbox::EntryOptions};
use ssf_transmitter::{
    self as sdk,
    outbox::{Enqueued, Entry},
};

use crate::{
    failure::{Failure, Outcome, outcome},
    key::moment,
    policy::milliseconds,
    records::{Finding, findings},
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

    /// All of them. An error has the index of the entry as the first step of its pointer.
    pub(crate) fn all(&self) -> Result<Vec<Entry>, Failure> {
        let entries = self.entries().enumerate();
        entries.map(|(index, entry)| entry.map_err(|failure| failure.within(index))).collect()
    }

    fn entries(&self) -> impl Iterator<Item = Result<Entry, Failure>> {
        let mut lines = self.0.lines();
        std::iter::from_fn(move || {
            let event = lines.next()?;
            Some(entry(event, lines.next().unwrap_or_default(), lines.next().unwrap_or_default()))
        })
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
