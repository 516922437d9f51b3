//! Whether a SET arrived, as a state machine: what to read, when to look again, what it all means.

use std::{collections::HashSet, fmt, mem, time::Duration};

use super::{
    Certainty, ConfirmAction, ConfirmInput, LogApi, LogEvent, LogPage, LogQuery, Reception, Sent,
    matching::{self, Providers},
};
use crate::{
    error::{Error, Result},
    okta::{Page, ProvidersApi},
    retry::{Attempts, Bounds, Next, RetryPolicy},
    time::Timestamp,
};

/// The log is not read more rarely than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The last look is so long before the deadline, or a tenth of it if that is shorter.
const LAST_LOOK: Duration = Duration::from_secs(1);
/// So often it is read again once the SET has arrived: for the judgement, and for an entry that is more certain.
const LOOKS_AFTER_ARRIVAL: u32 = 4;

/// Searches the System Log of an org for a SET. Does no input or output, and has no clock;
/// [`OktaProviders::received`](crate::client::OktaProviders::received) drives it, another HTTP stack can drive it too.
///
/// ```
/// use ssf_transmitter::{
///     SignedSet, Timestamp,
///     http::Response,
///     okta::{ConfirmAction, ConfirmInput, Confirmation, ReceptionOutcome, Sent},
/// };
///
/// # fn send(request: &ssf_transmitter::http::Request) -> Response {
/// #     let entry = r#"[{
/// #         "uuid": "1", "published": "2026-11-29T13:05:01Z", "eventType": "security.events.provider.receive_event",
/// #         "debugContext": { "debugData": { "jti": "1" } }
/// #     }]"#;
/// #     let is_first = request.url().contains("since") || request.url().contains("providers");
/// #     Response::new(200, [], if request.url().contains("since") { entry.into() } else { b"[]".to_vec() })
/// # }
/// # let compact = concat!("eyJhbGciOiJFZERTQSIsInR5cCI6InNlY2V2ZW50K2p3dCJ9.", "eyJqdGkiOiIxIn0.", "c2ln");
/// let mut now = Timestamp::from_unix_seconds(1_795_957_500);
/// let sent = Sent::new(&SignedSet::parse(compact)?, now);
/// let mut confirmation = Confirmation::new("https://acme.okta.com", sent)?;
/// let mut input = ConfirmInput::Started;
/// let reception = loop {
///     input = match confirmation.step(now, input) {
///         ConfirmAction::List(mut call) => {
///             let answer = send(&call.request("SSWS 00abc".into()));
///             ConfirmInput::Listed(call.answered(now, &answer))
///         }
///         ConfirmAction::Read(mut call) => {
///             let answer = send(&call.request("SSWS 00abc".into()));
///             ConfirmInput::Read(call.answered(now, &answer))
///         }
///         ConfirmAction::Wait { until } => {
///             now = until;
///             ConfirmInput::Woken
///         }
///         ConfirmAction::Done(reception) => break reception,
///         ConfirmAction::Fail(error) => return Err(error),
///         _ => unreachable!("every action is handled"),
///     };
/// };
/// assert_eq!(reception.outcome(), ReceptionOutcome::Arrived);
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
pub struct Confirmation {
    sent: Sent,
    providers_api: ProvidersApi,
    log_api: LogApi,
    /// Those at what is next.
    attempts: Attempts,
    providers: Providers,
    next: ToRead,
    /// Looks since the last entry of interest.
    looks: u32,
    /// The log was read to its end.
    has_read: bool,
    seen: HashSet<String>,
    arrival: Option<(Certainty, LogEvent)>,
    /// Entries that may be of a judgement.
    others: Vec<LogEvent>,
}

/// What is to be read next.
enum ToRead {
    /// The first page of the providers, or what follows this one.
    Providers(Option<Page>),
    /// The beginning of the log, or what follows this page.
    Log(Option<LogPage>),
}

impl Confirmation {
    /// Looks in the org with this https URL for this SET; the first input is [`ConfirmInput::Started`].
    pub fn new(org: &str, sent: Sent) -> Result<Self> {
        Ok(Self::at(ProvidersApi::new(org)?, LogApi::new(org)?, sent, Bounds::default()))
    }

    pub(crate) fn at(providers: ProvidersApi, log: LogApi, sent: Sent, bounds: Bounds) -> Self {
        Self {
            sent,
            providers_api: providers,
            log_api: log,
            attempts: Attempts::new(bounds),
            providers: Providers::default(),
            next: ToRead::Providers(None),
            looks: 0,
            has_read: false,
            seen: HashSet::new(),
            arrival: None,
            others: Vec::new(),
        }
    }

    /// Sets how long it may take, from its first step; 30 seconds by default.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.attempts.set_deadline(deadline);
        self
    }

    /// Sets how often a read that fails is tried, and how long the waits are: those between two looks too.
    pub fn with_policy(mut self, policy: &RetryPolicy) -> Self {
        self.attempts.set_policy(policy);
        self
    }

    /// Sets where the jitter of waits starts.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.attempts.set_seed(seed);
        self
    }

    /// The next action, at `now`. Sooner or later, whatever the inputs, it is [`ConfirmAction::Done`] or
    /// [`ConfirmAction::Fail`].
    pub fn step(&mut self, now: Timestamp, input: ConfirmInput) -> ConfirmAction {
        let now = self.attempts.note(now);
        match input {
            ConfirmInput::Started | ConfirmInput::Woken => self.read(),
            ConfirmInput::Listed(Ok(page)) => {
                self.attempts.reset();
                self.providers.add(page.providers().to_vec());
                self.next = if page.has_next() { ToRead::Providers(Some(page)) } else { ToRead::Log(None) };
                self.read()
            }
            ConfirmInput::Listed(Err(error)) => self.not_listed(error),
            ConfirmInput::Read(Ok(page)) => {
                self.attempts.reset();
                self.take(now, page)
            }
            ConfirmInput::Read(Err(error)) => match self.again(&error) {
                Some(wait) => wait,
                None => self.give_up(error),
            },
        }
    }

    fn read(&mut self) -> ConfirmAction {
        if self.attempts.is_late() {
            return self.end();
        }
        let call = match &self.next {
            ToRead::Providers(page) => {
                let next = page.as_ref().and_then(Page::next);
                return ConfirmAction::List(next.unwrap_or_else(|| self.providers_api.list()));
            }
            ToRead::Log(page) => page
                .as_ref()
                .and_then(LogPage::next)
                .map_or_else(|| self.log_api.read(&LogQuery::since(self.sent.since())), Ok),
        };
        call.map_or_else(ConfirmAction::Fail, ConfirmAction::Read)
    }

    /// The list only makes more certain. A token that may not read it may be one for the log alone.
    fn not_listed(&mut self, error: Error) -> ConfirmAction {
        if error.status() == Some(401) {
            return ConfirmAction::Fail(error);
        }
        if let Some(wait) = self.again(&error) {
            return wait;
        }
        self.providers.forget();
        self.attempts.reset();
        self.next = ToRead::Log(None);
        self.read()
    }

    /// The wait before the same call again, if that makes sense.
    fn again(&mut self, error: &Error) -> Option<ConfirmAction> {
        self.attempts.begin();
        match self.attempts.after(error, |_| true) {
            Next::Wait(until) => Some(ConfirmAction::Wait { until }),
            _ => None,
        }
    }

    /// A page of the log. An empty one is the end of it, for now.
    fn take(&mut self, now: Timestamp, page: LogPage) -> ConfirmAction {
        let before = self.arrival.as_ref().map(|(certainty, _)| *certainty);
        for event in page.events() {
            if event.uuid().is_empty() || self.seen.insert(event.uuid().to_owned()) {
                self.look_at(event);
            }
        }
        if self.arrival.as_ref().map(|(certainty, _)| *certainty) != before {
            self.looks = 0;
        }
        let is_end = page.events().is_empty() || !page.has_next();
        // Without a next page the log is read from its beginning again.
        self.next = ToRead::Log(Some(page).filter(LogPage::has_next));
        if !is_end {
            return self.read();
        }
        self.has_read = true;
        if self.is_settled() {
            return self.end();
        }
        self.looks += 1;
        match self.pause(now) {
            Some(until) => ConfirmAction::Wait { until },
            None => self.end(),
        }
    }

    fn look_at(&mut self, event: &LogEvent) {
        match matching::arrival(event, &self.sent, &self.providers) {
            Some(certainty) if self.arrival.as_ref().is_none_or(|(known, _)| certainty > *known) => {
                self.arrival = Some((certainty, event.clone()));
            }
            Some(_) => {}
            None => self.others.push(event.clone()),
        }
    }

    fn judgement(&self) -> Option<&LogEvent> {
        let (_, arrival) = self.arrival.as_ref()?;
        self.others.iter().find(|event| matching::judgement(event, &self.sent, arrival))
    }

    /// Nothing more is to be expected.
    fn is_settled(&self) -> bool {
        match &self.arrival {
            None => false,
            Some((certainty, _)) => {
                // Without a user there is no risk of a user.
                let is_judged = self.sent.users.is_empty() || self.judgement().is_some();
                (*certainty > Certainty::Possible && is_judged) || self.looks >= LOOKS_AFTER_ARRIVAL
            }
        }
    }

    /// When to look again: each time twice as long after the last look, and a last time shortly before the deadline.
    fn pause(&self, now: Timestamp) -> Option<Timestamp> {
        let bounds = self.attempts.bounds();
        let doublings = self.looks.saturating_sub(1).min(31);
        let longest = bounds.max_backoff.min(LONGEST_PAUSE);
        let pause = bounds.base.saturating_mul(1 << doublings).min(longest);
        let last = self.attempts.ends().minus(LAST_LOOK.min(bounds.deadline / 10));
        let until = now.plus(pause.max(Duration::from_millis(1))).min(last);
        (until > now).then_some(until)
    }

    /// The log cannot be read any more. What is known by then counts, if the SET arrived.
    fn give_up(&mut self, error: Error) -> ConfirmAction {
        if self.arrival.is_some() { self.end() } else { ConfirmAction::Fail(error) }
    }

    fn end(&mut self) -> ConfirmAction {
        let judgement = self.judgement().cloned();
        match mem::take(&mut self.arrival) {
            Some((certainty, arrival)) => {
                ConfirmAction::Done(Reception::arrived(certainty, arrival, judgement))
            }
            None if self.has_read => ConfirmAction::Done(Reception::missing(&self.sent, &self.providers)),
            None => ConfirmAction::Fail(self.attempts.too_late()),
        }
    }
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Confirmation").field("sent", &self.sent).finish_non_exhaustive()
    }
}
