//! Checks a whole setup from the outside, like a receiver: documents, keys, TLS, clock, token and a SET.

mod documents;
mod network;
mod okta_log;

use std::{fmt, future::IntoFuture, time::Duration};

use documents::Documents;

use super::{Emit, OktaProviders, Pending, Receiver, Transmitter, counters::Visit, transport::Transport};
use crate::{
    conformance,
    delivery::Receipt,
    error::Error,
    event::Event,
    http::Response,
    jose::Signature,
    key::BoxFuture,
    lint::{Finding, Linter, Severity},
    subject::Subject,
    time::Timestamp,
};

/// All checks together take no longer.
const LIMIT: Duration = Duration::from_secs(9);
/// A clock that is further ahead or behind makes receivers refuse SETs.
const SKEW_FAILS: Duration = Duration::from_mins(1);
const SKEW_WARNS: Duration = Duration::from_secs(3);
/// The check that sends a SET.
const SEND: &str = "send";

/// Checks a transmitter and a receiver end to end, in less than ten seconds: from [`Transmitter::doctor`]. Set more, then
/// await it.
#[must_use = "nothing is checked until it is awaited"]
pub struct Doctor {
    transmitter: Transmitter,
    receiver: Receiver,
    /// None, with a finding that says why, where one of them could not be read.
    event: Option<(Event, Option<Subject>)>,
    findings: Vec<Finding>,
    configuration_url: Option<String>,
    send: bool,
    confirm: Option<OktaProviders>,
}

/// What a doctor found, and the SET that it is to send, for a caller that signs by itself: from [`Doctor::examine`].
#[must_use = "it may wait for a signature"]
pub struct Examination {
    linter: Linter,
    checks: Vec<Check>,
    pending: Option<Pending>,
    confirm: Option<OktaProviders>,
    _visit: Option<Visit>,
}

/// What was checked, with the outcomes.
#[derive(Clone, Debug)]
pub struct Diagnosis(Vec<Check>);

/// One check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// A stable name, such as `jwks-reachable`.
    pub id: &'static str,
    /// The outcome.
    pub outcome: Outcome,
    /// The result, in one sentence. It contains no token, key, subject or payload.
    pub message: String,
    /// How to fix it; empty if no action is needed.
    pub remedy: String,
}

/// The outcome of a check.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// All is well.
    Passed,
    /// It may work, or not with every receiver.
    Warning,
    /// It does not work.
    Failed,
    /// It was not checked; the message says why.
    Skipped,
}

impl Diagnosis {
    /// All checks, in the order in which things are needed.
    pub fn checks(&self) -> &[Check] {
        &self.0
    }

    /// The check with this id.
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.0.iter().find(|check| check.id == id)
    }

    /// Whether nothing failed.
    pub fn is_healthy(&self) -> bool {
        self.0.iter().all(|check| check.outcome != Outcome::Failed)
    }
}

impl Outcome {
    /// Its name: `passed`, `warning`, `failed` or `skipped`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Check {
    fn new(
        id: &'static str,
        outcome: Outcome,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { id, outcome, message: message.into(), remedy: remedy.into() }
    }

    fn passed(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Outcome::Passed, message, "")
    }

    fn failed(id: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(id, Outcome::Failed, message, remedy)
    }

    fn warning(id: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(id, Outcome::Warning, message, remedy)
    }

    fn skipped(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Outcome::Skipped, message, "")
    }

    fn of_error(id: &'static str, error: &Error) -> Self {
        Self::failed(id, error.to_string(), error.remedy())
    }
}

impl Doctor {
    pub(super) fn new(
        transmitter: Transmitter,
        receiver: Receiver,
        event: Result<Event, Error>,
        subject: Option<Result<Subject, Error>>,
    ) -> Self {
        let linter = transmitter.linter(&receiver);
        let (findings, event) = match (event, subject.transpose()) {
            (Ok(event), Ok(subject)) => (linter.event(&event, subject.as_ref()), Some((event, subject))),
            (event, subject) => (linter.read(event, subject.transpose()), None),
        };
        Self { transmitter, receiver, event, findings, configuration_url: None, send: false, confirm: None }
    }

    /// Sets the URL of the transmitter configuration, if it is not the default for the issuer.
    pub fn configuration_url(mut self, url: impl Into<String>) -> Self {
        self.configuration_url = Some(url.into());
        self
    }

    /// Sends the event too: the receiver gets a real SET.
    pub fn send(mut self) -> Self {
        self.send = true;
        self
    }

    /// Searches the System Log of an Okta org for the SET, once it is sent: the check `okta-log`. That takes no longer than a
    /// method of `providers` may, beyond the time of the other checks.
    ///
    /// ```no_run
    /// # use ssf_transmitter::{CustomEvent, OktaProviders, Receiver, Subject, Transmitter, Event, event::{OktaRiskLevel, okta}, Timestamp};
    /// # async fn example(transmitter: Transmitter, receiver: Receiver, providers: OktaProviders) {
    /// let event = okta::UserRiskChange::new(OktaRiskLevel::High, OktaRiskLevel::Low, Timestamp::now());
    /// let ada = Subject::email("ada@example.com");
    /// let diagnosis = transmitter.doctor(event, ada, &receiver).send().confirm(&providers).await;
    /// println!("{}", diagnosis.check("okta-log").map_or("", |check| check.message.as_str()));
    /// # }
    /// ```
    pub fn confirm(mut self, providers: &OktaProviders) -> Self {
        self.confirm = Some(providers.clone());
        self
    }

    /// Runs all checks except the last ones, for a caller that signs by itself: sign the input in the [`Examination`].
    pub fn examine(self) -> BoxFuture<'static, Examination> {
        let visit = self.transmitter.visit();
        Box::pin(async move {
            let linter = self.transmitter.linter(&self.receiver);
            let visit = match visit {
                Ok(visit) => visit,
                Err(error) => {
                    let checks = vec![closed(&error)];
                    return Examination { linter, checks, pending: None, confirm: None, _visit: None };
                }
            };
            let mut checks = self.look().await;
            let begun = self.to_send();
            let begun = begun.and_then(|emit| emit.begin().map_err(|error| sent(&linter, &Err(error))));
            let pending = begun.map_err(|check| checks.push(check)).ok();
            let mut confirm = self.confirm;
            if pending.is_none() {
                checks.extend(confirm.take().map(|_| okta_log::not_sent()));
            }
            Examination { linter, checks, pending, confirm, _visit: Some(visit) }
        })
    }

    /// All checks. The work begins, so that a close waits for it, with the call.
    fn run(self) -> BoxFuture<'static, Diagnosis> {
        let visit = self.transmitter.visit();
        Box::pin(async move {
            let _visit = match visit {
                Ok(visit) => visit,
                Err(error) => return Diagnosis(vec![closed(&error)]),
            };
            let mut checks = self.look().await;
            match self.to_send() {
                Ok(emit) => {
                    let result = emit.await;
                    checks.push(sent(&self.transmitter.linter(&self.receiver), &result));
                    checks.extend(okta_log::confirmed(self.confirm.as_ref(), &result).await);
                }
                Err(skipped) => {
                    checks.push(skipped);
                    checks.extend(self.confirm.map(|_| okta_log::not_sent()));
                }
            }
            Diagnosis(checks)
        })
    }

    /// Everything but the SET itself.
    async fn look(&self) -> Vec<Check> {
        let transport = self.transmitter.transport();
        let target = self.receiver.target();
        let (documents, source, tls, token) = tokio::join!(
            self.documents(transport).run(LIMIT),
            network::source(transport, &target, LIMIT),
            network::tls(transport, &target, LIMIT),
            self.token(transport)
        );
        let mut checks = documents.checks;
        checks.extend([network::proxy(transport, &target), source, network::trust(transport), tls]);
        let mut answered = documents.answered;
        let (token, answer) = token;
        checks.extend(token);
        answered.extend(answer);
        checks.push(clock(&answered));
        checks.push(self.lint());
        checks
    }

    fn documents<'a>(&'a self, transport: &'a Transport) -> Documents<'a> {
        Documents {
            transport,
            clock: self.transmitter.clock(),
            issuer: self.transmitter.issuer(),
            url: self.configuration_url.as_deref(),
            loopback: self.receiver.allows_loopback(),
            header: self.transmitter.header(),
            thumbprint: self.transmitter.thumbprint(),
            // Such a receiver is given the public key by hand.
            needed: self.receiver.dialect().data().set.kid,
        }
    }

    /// Whether an access token can be had, for how long, for what.
    async fn token(&self, transport: &Transport) -> (Vec<Check>, Option<Answered>) {
        let clock = self.transmitter.steady();
        let fetch = self.receiver.fetch_token(transport, clock);
        let fetched = match tokio::time::timeout(LIMIT, fetch).await {
            Err(_) => {
                let message = "the token endpoint did not answer in time";
                return (vec![Check::failed("token", message, "Check the token URL and the network.")], None);
            }
            Ok(None) if self.receiver.is_authorized() => {
                let message = "the authorization is fixed; no token is fetched";
                return (vec![Check::skipped("token", message)], None);
            }
            Ok(None) => return (vec![Check::skipped("token", "the receiver needs no token")], None),
            Ok(Some(Err(error))) => return (vec![Check::of_error("token", &error)], None),
            Ok(Some(Ok(fetched))) => fetched,
        };
        let mut checks = vec![Check::passed("token", "an access token was granted")];
        checks.push(match fetched.expires_in {
            None => Check::warning(
                "token-lifetime",
                "the token response has no expires_in; the token is renewed every five minutes",
                "Ask the receiver for the lifetime of its tokens.",
            ),
            Some(lifetime) if lifetime < Duration::from_mins(1) => Check::warning(
                "token-lifetime",
                format!("the token is valid for only {} seconds", lifetime.as_secs()),
                "Ask the receiver for a longer token lifetime.",
            ),
            Some(lifetime) => Check::passed(
                "token-lifetime",
                format!("the token is valid for {} seconds", lifetime.as_secs()),
            ),
        });
        checks.push(if fetched.lacks_scope {
            let remedy = "Ask the receiver to grant this client the requested scope.";
            Check::warning("token-scope", "the token does not cover the requested scope", remedy)
        } else {
            Check::passed("token-scope", "the token covers the requested scope")
        });
        (checks, Answered::of(&fetched.response, self.transmitter.clock().now(), "the token endpoint"))
    }

    /// What lint finds in the SET that would be sent.
    fn lint(&self) -> Check {
        const ID: &str = "lint";
        let worst = self.findings.iter().rev().max_by_key(|finding| finding.severity());
        match worst {
            Some(worst) if worst.severity() == Severity::Error => {
                Check::failed(ID, worst.to_string(), worst.remedy())
            }
            Some(worst) if worst.severity() == Severity::Warning => {
                Check::warning(ID, worst.to_string(), worst.remedy())
            }
            _ => Check::passed(ID, "lint finds no problem in the SET"),
        }
    }

    /// One real SET, if requested, and if lint allows it.
    fn to_send(&self) -> Result<Emit, Check> {
        if !self.send {
            return Err(Check::skipped(SEND, "sending a SET was not requested"));
        }
        match &self.event {
            Some((event, subject)) if self.lint().outcome != Outcome::Failed => {
                let emit = self.transmitter.emit(event.clone(), subject.clone(), &self.receiver);
                Ok(emit.deadline(LIMIT / 2))
            }
            _ => Err(Check::skipped(SEND, "no SET was sent, because lint found errors")),
        }
    }
}

impl Examination {
    /// The SET that waits for a signature; `None` if none is to be sent.
    pub fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }

    /// Ends the examination: delivers the SET with this signature, or says why there is none. If no SET waits, the
    /// signature is not looked at.
    pub fn finish(self, signature: Result<Signature, Error>) -> BoxFuture<'static, Diagnosis> {
        self.end(|pending| match signature {
            Ok(signature) => pending.deliver(signature),
            Err(error) => {
                pending.fail(error.code());
                Box::pin(std::future::ready(Err(error)))
            }
        })
    }

    /// Ends the examination: signs the SET with its key, as [`Pending::sign`] does, and delivers it.
    pub fn sign(self) -> BoxFuture<'static, Diagnosis> {
        self.end(Pending::sign)
    }

    fn end(
        self,
        deliver: impl FnOnce(Pending) -> BoxFuture<'static, Result<Receipt, Error>> + Send + 'static,
    ) -> BoxFuture<'static, Diagnosis> {
        Box::pin(async move {
            let Self { linter, mut checks, pending, confirm, _visit } = self;
            if let Some(pending) = pending {
                let result = deliver(pending).await;
                checks.push(sent(&linter, &result));
                checks.extend(okta_log::confirmed(confirm.as_ref(), &result).await);
            }
            Diagnosis(checks)
        })
    }
}

/// The outcome for the SET.
fn sent(linter: &Linter, result: &Result<Receipt, Error>) -> Check {
    match result {
        Ok(receipt) => {
            let message =
                format!("the receiver accepted the SET {} with status {}", receipt.jti(), receipt.status());
            match receipt.notes() {
                [] => Check::passed(SEND, message),
                notes => {
                    let meanings: Vec<_> = notes.iter().map(|note| note.meaning()).collect();
                    let remedy = "Check the receiver, and any proxy in front of it.";
                    Check::warning(SEND, format!("{message}. {}", meanings.join(" ")), remedy)
                }
            }
        }
        Err(error) if error.status().is_some() => {
            let explained = linter.explain_error("", error);
            Check::failed(SEND, format!("{error}: {}", explained.cause()), explained.remedy())
        }
        Err(error) => Check::of_error(SEND, error),
    }
}

/// Nothing is looked at by a transmitter that is closed.
fn closed(error: &Error) -> Check {
    Check::of_error("transmitter", error)
}

/// That a server answered, and what its clock said.
struct Answered {
    /// Its clock less ours, in seconds.
    ahead: i64,
    who: String,
}

impl Answered {
    fn of(response: &Response, now: Timestamp, who: &str) -> Option<Self> {
        let there = response.date()?.as_unix_seconds();
        Some(Self { ahead: there - now.as_unix_seconds(), who: who.to_owned() })
    }
}

/// Whether our clock is that of the servers.
fn clock(answered: &[Answered]) -> Check {
    const ID: &str = "clock";
    let Some(worst) = answered.iter().max_by_key(|answered| answered.ahead.abs()) else {
        return Check::skipped(ID, "no server sent a Date header");
    };
    let seconds = worst.ahead.unsigned_abs();
    let way = if worst.ahead < 0 { "ahead of" } else { "behind" };
    let message = format!("the local clock is {seconds} seconds {way} that of {}", worst.who);
    let remedy = "Synchronize the clock of this machine (NTP).";
    match Duration::from_secs(seconds) {
        skew if skew > SKEW_FAILS => Check::failed(ID, message, remedy),
        skew if skew > SKEW_WARNS => Check::warning(ID, message, remedy),
        _ => Check::passed(ID, "the local clock agrees with the servers"),
    }
}

impl IntoFuture for Doctor {
    type Output = Diagnosis;
    type IntoFuture = BoxFuture<'static, Diagnosis>;

    fn into_future(self) -> Self::IntoFuture {
        self.run()
    }
}

impl fmt::Debug for Examination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Examination")
            .field("checks", &self.checks)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Doctor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Doctor").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
