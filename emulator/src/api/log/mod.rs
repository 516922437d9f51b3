//! The System Log of an org (Okta Management API 2026.06.3, tag `SystemLog`): what it wrote about the SETs that it took.

mod entry;
mod query;

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::ApiError;
use crate::answer::Answer;
use crate::clock;
use crate::config::{ApiTokens, LogSettings};
use crate::received::Received;
use crate::transmitters::Transmitters;
use query::Query;

/// The log, and the endpoint that shows it.
pub(crate) struct SystemLog {
    path: &'static str,
    base_url: String,
    tokens: ApiTokens,
    settings: LogSettings,
    transmitters: Arc<Transmitters>,
    entries: Mutex<Vec<Entry>>,
}

/// An entry, which is shown only some time after it was written.
struct Entry {
    published: OffsetDateTime,
    event_type: &'static str,
    shown: Value,
}

impl SystemLog {
    pub(crate) fn new(
        path: &'static str,
        base_url: String,
        tokens: ApiTokens,
        settings: LogSettings,
        transmitters: Arc<Transmitters>,
    ) -> Self {
        Self { path, base_url, tokens, settings, transmitters, entries: Mutex::default() }
    }

    /// Whether this path is that of the log.
    pub(crate) fn has(&self, path: &str) -> bool {
        path == self.path
    }

    /// Writes what the org writes about a SET that it took.
    pub(crate) fn write(&self, claims: &Map<String, Value>) {
        let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        let provider = self.transmitters.list().into_iter().find(|one| one.origin.issuer == issuer);
        let provider = provider
            .map_or_else(|| (issuer.to_owned(), issuer.to_owned()), |provider| (provider.id, provider.name));
        let now = OffsetDateTime::UNIX_EPOCH + clock::now();
        // Okta's times have milliseconds.
        let now = now.truncate_to_millisecond();
        let new = entry::of(claims, &provider, now, self.settings.shows_jti);
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
    }

    pub(crate) fn answer(&self, request: &Received) -> Answer {
        self.respond(request).unwrap_or_else(ApiError::answer)
    }

    fn respond(&self, request: &Received) -> Result<Answer, ApiError> {
        if request.method != Method::GET {
            return Err(ApiError::method_not_allowed("GET"));
        }
        self.tokens.authorize(&request.headers, true)?;
        let query = Query::read(request.query.as_deref().unwrap_or_default())?;
        let (page, after) = self.page(&query);
        // A query without an end may always have more; one with an end is over at an empty page.
        let has_next = !query.has_end() || !page.is_empty();
        let answer = Answer::json(StatusCode::OK, &Value::from(page));
        if !has_next {
            return Ok(answer);
        }
        let link = format!("<{}{}?{}>; rel=\"next\"", self.base_url, self.path, query.next(after));
        Ok(match HeaderValue::try_from(link) {
            Ok(link) => answer.with(header::LINK, link),
            Err(_) => answer,
        })
    }

    /// The entries of a page, and where the next one begins.
    fn page(&self, query: &Query) -> (Vec<Value>, usize) {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = OffsetDateTime::UNIX_EPOCH + clock::now().saturating_sub(self.settings.delay);
        let limit = query.limit.min(self.settings.page);
        let mut page = Vec::new();
        let mut next = query.after.min(entries.len());
        for entry in &entries[next..] {
            if page.len() == limit || entry.published > newest {
                break;
            }
            next += 1;
            if query.wants(entry.event_type, entry.published) {
                page.push(entry.shown.clone());
            }
        }
        (page, next)
    }
}
