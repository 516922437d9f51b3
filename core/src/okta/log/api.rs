//! Which request reads the System Log, and how its answer is read.

use serde_json::Value;

use super::LogEvent;
use crate::{
    error::{Error, ErrorCode, Result},
    http::{Endpoint, Method, Request, Response},
    okta::{
        api,
        call::{Call, Effect},
    },
    time::Timestamp,
};

const PATH: &str = "/api/v1/logs";
/// The most entries that Okta puts on a page.
const MAX_LIMIT: u16 = 1000;
/// A page of a thousand entries.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Okta wrote that it received a SET.
pub const RECEIVE_EVENT: &str = "security.events.provider.receive_event";
/// Okta wrote that the risk of a user changed.
pub const RISK_DETECT: &str = "user.risk.detect";

/// The System Log of one org. A token needs the scope `okta.logs.read`.
///
/// ```
/// use ssf_transmitter::{Timestamp, http::Response, okta::{LogApi, LogQuery}};
///
/// let api = LogApi::new("https://acme.okta.com")?;
/// let mut call = api.read(&LogQuery::since(Timestamp::from_unix_seconds(1_795_000_000)))?;
/// assert!(call.request("SSWS 00abc".into()).url().contains("since=2026-11-18T11%3A06%3A40.000Z"));
/// let page = call.answered(Timestamp::now(), &Response::new(200, [], b"[]".to_vec()))?;
/// assert!(page.events().is_empty());
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogApi {
    org: Endpoint,
}

/// Which entries of the System Log to read, the oldest first: those about SETs and about the risk of users, unless
/// [`event_types`](Self::event_types) says otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogQuery {
    since: Timestamp,
    until: Option<Timestamp>,
    event_types: Vec<String>,
    limit: u16,
}

impl LogQuery {
    /// Entries from this moment on.
    pub fn since(moment: Timestamp) -> Self {
        let event_types = [RECEIVE_EVENT, RISK_DETECT].map(str::to_owned).to_vec();
        Self { since: moment, until: None, event_types, limit: 100 }
    }

    /// Ends before this moment. Without an end a query may be followed, for entries that are yet to come.
    pub fn until(mut self, moment: Timestamp) -> Self {
        self.until = Some(moment);
        self
    }

    /// Reads entries of these types alone, such as `user.session.end`; with none, of all types.
    pub fn event_types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.event_types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how many entries come on a page: 1 to 1000, 100 by default.
    pub fn page_size(mut self, entries: u16) -> Self {
        self.limit = entries;
        self
    }

    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client's pager asks"))]
    pub(crate) fn has_end(&self) -> bool {
        self.until.is_some()
    }

    fn check(&self) -> Result<()> {
        let invalid = |message: &str, pointer: String| {
            Err(Error::new(ErrorCode::ConfigurationInvalid, message).at(pointer))
        };
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            return invalid("a page of the log has 1 to 1000 entries", "/page_size".to_owned());
        }
        if self.until.is_some_and(|until| until < self.since) {
            return invalid("the end is before the start", "/until".to_owned());
        }
        // A quote would end the text of the filter.
        let is_type = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        match self.event_types.iter().position(|kind| !is_type(kind)) {
            Some(position) => {
                let message = "a type of entries has letters, digits, '.', '_' and '-'";
                invalid(message, format!("/event_types/{position}"))
            }
            None => Ok(()),
        }
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let filter = self.event_types.iter().map(|kind| format!("eventType eq \"{kind}\""));
        let filter = filter.collect::<Vec<_>>().join(" or ");
        let until = self.until.map(Timestamp::to_rfc3339).unwrap_or_default();
        let parameters = [
            ("since", self.since.to_rfc3339()),
            ("until", until),
            ("filter", filter),
            ("limit", self.limit.to_string()),
            ("sortOrder", "ASCENDING".to_owned()),
        ];
        parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

impl LogApi {
    /// The log of an org by its https URL, such as `https://acme.okta.com`.
    pub fn new(org: &str) -> Result<Self> {
        Self::at(org, false)
    }

    /// The same; `loopback` allows this machine, over plain http too.
    pub(crate) fn at(org: &str, loopback: bool) -> Result<Self> {
        Ok(Self { org: api::org(org, loopback)? })
    }

    /// Reads the first page; [`LogPage::next`] is the next one.
    pub fn read(&self, query: &LogQuery) -> Result<Call<LogPage>> {
        query.check()?;
        Ok(page(self.org.at_path(PATH).with_query(&query.parameters())))
    }
}

fn page(url: Endpoint) -> Call<LogPage> {
    let request = Request::json(Method::Get, url, None).with_max_answer(MAX_ANSWER);
    Call::new("log", request, Effect::Repeatable, read_page)
}

/// A page of the System Log.
#[derive(Clone, Debug)]
pub struct LogPage {
    events: Vec<LogEvent>,
    next: Option<Endpoint>,
}

impl LogPage {
    /// The entries. None on a page means that there are no more, or none yet.
    pub fn events(&self) -> &[LogEvent] {
        &self.events
    }

    pub(super) fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// Reads what comes after this page. Okta names a next page where the log has no end, after an empty page too: ask for it
    /// later.
    pub fn next(&self) -> Option<Call<Self>> {
        self.next.clone().map(page)
    }
}

fn read_page(request: &Request, response: &Response) -> Result<LogPage> {
    let entries: Vec<Value> = api::read_json(request, response, "no list of log entries")?;
    let was_empty = entries.is_empty();
    let next = api::next_page(request, response)?;
    // A full page that is its own successor would never end.
    if !was_empty && next.as_ref() == Some(&request.url) {
        return Err(api::unexpected(request, response, "a page that is its own next page"));
    }
    Ok(LogPage { events: entries.into_iter().filter_map(LogEvent::of).collect(), next })
}
