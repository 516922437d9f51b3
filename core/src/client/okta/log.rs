//! The System Log of an org, entry by entry.

use std::{collections::VecDeque, time::Duration};

use super::OktaProviders;
use crate::{
    error::Result,
    okta::{LogEvent, LogPage, LogQuery},
    time::{Clock as _, Timestamp},
};

/// How often the end of the log is read. Okta allows an org at most 120 reads per minute.
const PAUSE: Duration = Duration::from_secs(5);

/// The entries of a System Log, the oldest first: from [`OktaProviders::log`].
///
/// Each page is read within the deadline of [`OktaProviders`]. After an error the next call reads the same page again.
#[derive(Debug)]
#[must_use = "nothing is read until `next` is awaited"]
pub struct LogPager {
    providers: OktaProviders,
    query: LogQuery,
    follow: Option<Duration>,
    events: VecDeque<LogEvent>,
    page: Option<LogPage>,
    /// The end of the log was there, and it is not to be read again before this time.
    rests: Option<Timestamp>,
}

impl LogPager {
    pub(super) fn new(providers: OktaProviders, query: LogQuery) -> Self {
        Self { providers, query, follow: None, events: VecDeque::new(), page: None, rests: None }
    }

    /// Goes on at the end of the log with entries that are yet to come, looked for every five seconds. A query with an end
    /// ends nevertheless.
    pub fn follow(self) -> Self {
        self.follow_every(PAUSE)
    }

    /// The same with another time between two looks, of a millisecond at least.
    pub fn follow_every(mut self, pause: Duration) -> Self {
        self.follow = Some(pause.max(Duration::from_millis(1)));
        self
    }

    /// The next entry; `None` at the end of the log. Where it [follows](Self::follow) the log it waits there.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<LogEvent>> {
        let clock = self.providers.0.clock;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            if let Some(rests) = self.rests {
                if self.follow.is_none() || self.query.has_end() {
                    return Ok(None);
                }
                tokio::time::sleep(rests.since(clock.now())).await;
                self.rests = None;
            }
            let call = match &self.page {
                Some(page) => page.next(),
                None => Some(self.providers.0.log.read(&self.query)?),
            };
            let Some(call) = call else { return Ok(None) };
            let page = self.providers.run(call, self.providers.ends()).await?;
            if page.events().is_empty() {
                self.rests = Some(clock.now().plus(self.follow.unwrap_or_default()));
            }
            self.events = page.events().to_vec().into();
            self.page = Some(page);
        }
    }
}
