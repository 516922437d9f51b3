//! Checks a whole setup from the outside, like a receiver: documents, keys, TLS, clock, token and a SET.

mod clock;
mod diagnosis;
mod documents;
mod examination;
mod network;
mod okta_log;
mod outbox;
mod shared;
mod token;

use std::{fmt, future::IntoFuture, time::Duration};

use clock::clock;
use diagnosis::timed;
pub use diagnosis::{Check, Diagnosis, Outcome};
use documents::{Documents, Found};
pub use examination::Examination;
pub use shared::SharedDoctor;

use super::{Emit, OktaProviders, Receiver, Transmitter};
use crate::{
    delivery::Receipt,
    error::Error,
    event::Event,
    key::BoxFuture,
    lint::{Finding, Linter, Severity},
    subject::Subject,
};

/// All checks together take no longer.
const LIMIT: Duration = Duration::from_secs(9);
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
    receiver_only: bool,
    send: bool,
    confirm: Option<OktaProviders>,
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
        Self {
            transmitter,
            receiver,
            event,
            findings,
            configuration_url: None,
            receiver_only: false,
            send: false,
            confirm: None,
        }
    }

    /// Sets the URL of the transmitter configuration, if it is not the default for the issuer.
    pub fn configuration_url(mut self, url: impl Into<String>) -> Self {
        self.configuration_url = Some(url.into());
        self
    }

    /// Leaves out what [`Transmitter::doctor_shared`] checks once for all receivers: the documents, the trusted authorities, and
    /// the clock, unless the receiver has a token endpoint that tells the time.
    pub fn receiver_only(mut self) -> Self {
        self.receiver_only = true;
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
                    let (result, duration) = timed(emit).await;
                    let linter = self.transmitter.linter(&self.receiver);
                    checks.push(sent(&linter, &result).took(duration));
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

    /// Everything but the SET itself. The future is large, as several checks run at the same time.
    fn look(&self) -> BoxFuture<'_, Vec<Check>> {
        Box::pin(self.look_together())
    }

    async fn look_together(&self) -> Vec<Check> {
        let transport = self.transmitter.transport();
        let target = self.receiver.target();
        let (documents, source, tls, token) = tokio::join!(
            self.documents(),
            network::source(transport, &target, LIMIT),
            network::tls(transport, &target, LIMIT),
            self.token(transport)
        );
        let mut checks = documents.checks;
        checks.extend([network::proxy(transport, target.endpoint()), source]);
        if !self.receiver_only {
            checks.push(network::trust(transport));
        }
        checks.push(tls);
        let mut answered = documents.answered;
        let (token, answer) = token;
        checks.extend(token);
        answered.extend(answer);
        if !self.receiver_only || !answered.is_empty() {
            checks.push(clock(&answered));
        }
        checks.push(self.lint());
        checks
    }

    async fn documents(&self) -> Found {
        if self.receiver_only {
            return Found::default();
        }
        let (url, loopback) = (self.configuration_url.as_deref(), self.receiver.allows_loopback());
        Documents::new(&self.transmitter, url, loopback, self.receiver.reads_documents()).run(LIMIT).await
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

impl IntoFuture for Doctor {
    type Output = Diagnosis;
    type IntoFuture = BoxFuture<'static, Diagnosis>;

    fn into_future(self) -> Self::IntoFuture {
        self.run()
    }
}

impl fmt::Debug for Doctor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Doctor").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
