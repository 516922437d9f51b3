//! Looks at a whole setup from outside, as a receiver would: documents, keys, TLS, clock, token, a SET.

mod documents;

use std::{fmt, future::IntoFuture, time::Duration};

use documents::Documents;

use super::{Receiver, Transmitter, transport::Transport};
use crate::{
    conformance, error::Error, event::Event, http::Response, key::BoxFuture, lint::Severity, set::SignedSet,
    subject::Subject, time::Timestamp,
};

/// All checks together take no longer.
const LIMIT: Duration = Duration::from_secs(9);
/// A clock that is further ahead or behind makes receivers refuse SETs.
const SKEW_FAILS: Duration = Duration::from_mins(1);
const SKEW_WARNS: Duration = Duration::from_secs(3);

/// Checks a transmitter and a receiver end to end, in less than ten seconds: from [`Transmitter::doctor`]. Set more, then
/// await it.
#[must_use = "nothing is checked until it is awaited"]
pub struct Doctor {
    transmitter: Transmitter,
    receiver: Receiver,
    event: Event,
    subject: Subject,
    configuration_url: Option<String>,
    send: bool,
    signed: Option<SignedSet>,
}

/// What was checked, and how it came out.
#[derive(Clone, Debug)]
pub struct Diagnosis(Vec<Check>);

/// One check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// A stable name, such as `jwks-reachable`.
    pub id: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was found, in one sentence. It holds no token, key, subject or payload.
    pub message: String,
    /// What to do about it; empty where nothing is to be done.
    pub remedy: String,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// All is well.
    Passed,
    /// It may work, or not with every receiver.
    Warning,
    /// It does not work.
    Failed,
    /// It was not looked at; the message says why.
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
    pub(super) fn new(transmitter: Transmitter, receiver: Receiver, event: Event, subject: Subject) -> Self {
        Self { transmitter, receiver, event, subject, configuration_url: None, send: false, signed: None }
    }

    /// Sets where the transmitter configuration is, if it is not where the issuer says.
    pub fn configuration_url(mut self, url: impl Into<String>) -> Self {
        self.configuration_url = Some(url.into());
        self
    }

    /// Sends the event too: the receiver gets a real SET.
    pub fn send(mut self) -> Self {
        self.send = true;
        self
    }

    /// Sends this SET of the event, which was signed elsewhere.
    pub fn send_signed(mut self, set: SignedSet) -> Self {
        self.send = true;
        self.signed = Some(set);
        self
    }

    async fn run(self) -> Diagnosis {
        let transport = self.transmitter.transport();
        let (documents, tls, token) =
            tokio::join!(self.documents(transport).run(LIMIT), self.tls(transport), self.token(transport));
        let mut checks = documents.checks;
        checks.push(tls);
        let mut answered = documents.answered;
        let (token, answer) = token;
        checks.extend(token);
        answered.extend(answer);
        checks.push(clock(&answered));
        checks.push(self.lint());
        checks.push(self.deliver(&checks).await);
        Diagnosis(checks)
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

    /// Which version of TLS the receiver speaks.
    async fn tls(&self, transport: &Transport) -> Check {
        const ID: &str = "tls-version";
        let target = self.receiver.target();
        if !target.endpoint().is_https() {
            return Check::skipped(ID, "the receiver is this machine, over plain http");
        }
        match tokio::time::timeout(LIMIT, transport.tls_version(target.endpoint())).await {
            Ok(Ok("TLSv1_3")) => Check::passed(ID, format!("{} speaks TLS 1.3", target.host())),
            Ok(Ok(_)) => Check::passed(ID, format!("{} speaks TLS 1.2", target.host())),
            Ok(Err(failure)) if transport.has_proxy() => {
                let message = format!("looked at without the proxy: {}", failure.describe(target.host()));
                Check::warning(ID, message, "Nothing, if the other checks reach the receiver by the proxy.")
            }
            Ok(Err(failure)) => Check::failed(ID, failure.describe(target.host()), failure.code().remedy()),
            Err(_) => Check::failed(ID, format!("{} gave no answer in time", target.host()), ""),
        }
    }

    /// Whether an access token can be had, for how long, for what.
    async fn token(&self, transport: &Transport) -> (Vec<Check>, Option<Answered>) {
        let clock = self.transmitter.steady();
        let fetch = self.receiver.fetch_token(transport, clock);
        let fetched = match tokio::time::timeout(LIMIT, fetch).await {
            Err(_) => {
                let message = "the token endpoint gave no answer in time";
                return (vec![Check::failed("token", message, "Check the token URL and the network.")], None);
            }
            Ok(None) if self.receiver.is_authorized() => {
                let message = "the authorization is a fixed one, and nothing is fetched";
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
                "the token endpoint does not say how long the token lives; it is renewed every five minutes",
                "Ask the receiver how long its tokens live.",
            ),
            Some(lifetime) if lifetime < Duration::from_mins(1) => Check::warning(
                "token-lifetime",
                format!("the token lives for {} seconds only", lifetime.as_secs()),
                "Ask the receiver for tokens that live longer.",
            ),
            Some(lifetime) => {
                Check::passed("token-lifetime", format!("the token lives for {} seconds", lifetime.as_secs()))
            }
        });
        checks.push(if fetched.lacks_scope {
            let remedy = "Ask the receiver to grant this client the scope that is asked for.";
            Check::warning("token-scope", "the token is not for the whole scope that was asked for", remedy)
        } else {
            Check::passed("token-scope", "the token is for the scope that was asked for")
        });
        (checks, Answered::of(&fetched.response, self.transmitter.clock().now(), "the token endpoint"))
    }

    /// What lint finds in the SET that would be sent.
    fn lint(&self) -> Check {
        const ID: &str = "lint";
        let findings = self.transmitter.linter(&self.receiver).event(&self.event, Some(&self.subject));
        let worst = findings.iter().rev().max_by_key(|finding| finding.severity());
        match worst {
            Some(worst) if worst.severity() == Severity::Error => {
                Check::failed(ID, worst.to_string(), worst.remedy())
            }
            Some(worst) if worst.severity() == Severity::Warning => {
                Check::warning(ID, worst.to_string(), worst.remedy())
            }
            _ => Check::passed(ID, "nothing is found in the SET that would be sent"),
        }
    }

    /// One real SET, if that was asked for.
    async fn deliver(&self, checks: &[Check]) -> Check {
        const ID: &str = "send";
        if !self.send {
            return Check::skipped(ID, "no SET was to be sent");
        }
        if checks.iter().any(|check| check.id == "lint" && check.outcome == Outcome::Failed) {
            return Check::skipped(ID, "no SET was sent, because of what lint finds in it");
        }
        let outcome = if let Some(set) = &self.signed {
            self.transmitter.deliver(set, &self.receiver).deadline(LIMIT / 2).await
        } else {
            let emit = self.transmitter.emit(self.event.clone(), self.subject.clone(), &self.receiver);
            emit.deadline(LIMIT / 2).await
        };
        match outcome {
            Ok(receipt) => {
                let message =
                    format!("the receiver took the SET {} with {}", receipt.jti(), receipt.status());
                match receipt.notes() {
                    [] => Check::passed(ID, message),
                    notes => {
                        let meanings: Vec<_> = notes.iter().map(|note| note.meaning()).collect();
                        let remedy = "Check the receiver, and the proxies before it.";
                        Check::warning(ID, format!("{message}. {}", meanings.join(" ")), remedy)
                    }
                }
            }
            Err(error) => {
                let explained = self.transmitter.linter(&self.receiver).explain_error("", &error);
                Check::failed(ID, format!("{error}: {}", explained.cause()), explained.remedy())
            }
        }
    }
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
        return Check::skipped(ID, "no server told the time");
    };
    let seconds = worst.ahead.unsigned_abs();
    let way = if worst.ahead < 0 { "ahead of" } else { "behind" };
    let message = format!("the clock of this machine is {seconds} seconds {way} that of {}", worst.who);
    let remedy = "Synchronize the clock of this machine (NTP).";
    match Duration::from_secs(seconds) {
        skew if skew > SKEW_FAILS => Check::failed(ID, message, remedy),
        skew if skew > SKEW_WARNS => Check::warning(ID, message, remedy),
        _ => Check::passed(ID, "the clock of this machine agrees with those of the servers"),
    }
}

impl IntoFuture for Doctor {
    type Output = Diagnosis;
    type IntoFuture = BoxFuture<'static, Diagnosis>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Doctor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Doctor").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
