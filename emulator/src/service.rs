//! What a receiver does with a request: it has it answered, and writes the ledger.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::Value;

use super::Result;
use super::answer::{Answer, ErrorCode, Notes, Refusal};
use super::api::{Api, SystemLog};
use super::arrivals::Original;
use super::config::Config;
use super::connection::Line;
use super::documents::Documents;
use super::judge::Judge;
use super::ledger::{self, Counters, Entry, Ledger, RequestFacts};
use super::plan::{Plan, Said};
use super::profile::Profile;
use super::push::PushEndpoint;
use super::received::Received;
use super::script::{Current, Fault, On, Running, Script, Seen};
use super::token::{BearerError, TokenEndpoint};
use super::transmitters::Transmitters;

/// What answers requests.
pub(crate) struct Service {
    pub(crate) profile: &'static Profile,
    script: Current,
    has_tls: bool,
    pub(crate) ledger: Ledger,
    tokens: Option<Arc<TokenEndpoint>>,
    pub(crate) api: Option<Api>,
    pub(crate) log: Option<SystemLog>,
    push: PushEndpoint,
}

impl Service {
    pub(crate) fn new(config: &Config, documents: Documents, base_url: &str) -> Self {
        let profile = config.like.profile();
        let tokens =
            config.client.clone().map(|client| Arc::new(TokenEndpoint::new(client, config.token_lifetime)));
        let transmitters = Arc::new(Transmitters::new(config, documents.clone()));
        let push = PushEndpoint::new(config, tokens.clone(), Arc::clone(&transmitters));
        let log = profile.log_path.zip(config.api.clone()).map(|(path, api_tokens)| {
            let (settings, transmitters) = (config.log.clone(), Arc::clone(&transmitters));
            SystemLog::new(path, base_url.to_owned(), api_tokens, settings, transmitters)
        });
        let api = profile.api_path.zip(config.api.clone()).map(|(path, api_tokens)| {
            Api::new(path, base_url.to_owned(), api_tokens, documents, transmitters)
        });
        Self {
            profile,
            script: Current::new(config.script.clone()),
            has_tls: config.tls,
            ledger: Ledger::new(config.ledger_size, config.arrivals),
            tokens,
            api,
            log,
            push,
        }
    }

    /// What goes wrong with the connection that was opened just now.
    pub(crate) fn connection_fault(&self) -> Option<Fault> {
        let fault = self.script.running().next(On::Connection, &Seen::default()).cloned();
        if fault.is_some() {
            self.ledger.count_faulted_connection();
        }
        fault
    }

    /// Every request comes in here, so that refused and misdirected ones get into the ledger as well.
    pub(crate) async fn serve(&self, line: &Line, request: Request<Incoming>) -> Response<Body> {
        let request = Received::read(request).await;
        if let Some(answer) = self.answer_about_itself(&request) {
            return answer.into_response();
        }
        let running = self.script.running();
        let plan = self.plan(&running, &request);
        let (answer, notes) = self.follow(plan, &request).await;
        let is_answered = plan.delivery.shows_status();
        let status = if is_answered { answer.status.as_u16() } else { 0 };
        // Before the delivery, which the sender can end.
        self.ledger.add(entry(&request, plan.fault, status, notes), || {
            Original::of(&request, &answer, self.endpoint(&request) == Some(On::Push), is_answered)
        });
        plan.delivery.of(answer, line).await
    }

    /// Has another script decide from now on.
    pub(crate) fn switch(&self, script: Script) -> Result<()> {
        script.check(self.tokens.is_some(), self.api.is_some(), self.has_tls)?;
        self.script.switch(script);
        Ok(())
    }

    fn plan<'a>(&self, running: &'a Running, request: &Received) -> Plan<'a> {
        let Some(on) = self.endpoint(request) else {
            return Plan::honest();
        };
        let mut seen = Seen::default();
        if on == On::Push && running.looks_inside() {
            let mut notes = Notes::default();
            Judge::read(&request.body, &mut notes);
            let text = |object: &Option<Value>, name| {
                object.as_ref().and_then(|object| object.get(name)?.as_str()).map(str::to_owned)
            };
            seen.issuer = text(&notes.claims, "iss");
            seen.has_new_key = text(&notes.header, "kid")
                .is_some_and(|kid| self.push.judge().is_new_key(seen.issuer.as_deref(), &kid));
        }
        running.next(on, &seen).map_or_else(Plan::honest, |fault| Plan::of(fault, on))
    }

    /// The answer, and what is to be noted. The answer is an empty one where none is to be delivered.
    async fn follow(&self, plan: Plan<'_>, request: &Received) -> (Answer, Notes) {
        let mut honest = Answer::empty(StatusCode::OK);
        let mut notes = Notes::default();
        if plan.judged {
            honest = self.answer(request).await;
            notes = std::mem::take(&mut honest.notes);
        } else if self.endpoint(request) == Some(On::Push) {
            Judge::read(&request.body, &mut notes);
        }
        if notes.accepted {
            notes.dropped = notes.dropped.or(plan.dropped);
            self.write_log(&notes);
        }
        let Some(mut answer) = self.instead(plan.answer, &notes) else {
            return (honest, notes);
        };
        notes.err = answer.notes.err.take().or(notes.err);
        notes.description = answer.notes.description.take().or(notes.description);
        (answer, notes)
    }

    /// What is dropped leaves no trace.
    fn write_log(&self, notes: &Notes) {
        if let (Some(log), None, Some(claims)) = (&self.log, notes.dropped, &notes.claims) {
            claims.as_object().into_iter().for_each(|claims| log.write(claims));
        }
    }

    /// The answer that is not the honest one.
    fn instead(&self, said: Said<'_>, notes: &Notes) -> Option<Answer> {
        match said {
            Said::Honest => None,
            Said::Instead(status, on) => Some(status.answer(on)),
            Said::InvalidToken => {
                if let Some(tokens) = &self.tokens {
                    tokens.forget();
                }
                Some(BearerError::Invalid.answer())
            }
            Said::NoKey => {
                let kid = notes.header.as_ref().and_then(|header| header.get("kid")?.as_str());
                let description = format!("The JWKS has no key {}", kid.unwrap_or_default());
                Some(self.push.refuse(Refusal::new(ErrorCode::InvalidKey, description)))
            }
        }
    }

    /// The endpoint at that path.
    fn endpoint(&self, request: &Received) -> Option<On> {
        if self.tokens.is_some() && self.profile.token_path == Some(request.path.as_str()) {
            return Some(On::Token);
        }
        if self.api.as_ref().is_some_and(|api| api.has(&request.path)) {
            return Some(On::Api);
        }
        if self.log.as_ref().is_some_and(|log| log.has(&request.path)) {
            return Some(On::Log);
        }
        (request.path == self.profile.push_path).then_some(On::Push)
    }

    /// The honest answer.
    async fn answer(&self, request: &Received) -> Answer {
        if request.too_large {
            return Answer::empty(StatusCode::PAYLOAD_TOO_LARGE);
        }
        match (self.endpoint(request), &self.tokens, &self.api) {
            (Some(On::Token), Some(tokens), _) => tokens.answer(request),
            (Some(On::Api), _, Some(api)) => api.answer(request).await,
            (Some(On::Push), ..) => self.push.answer(request).await,
            (Some(On::Log), ..) if let Some(log) = &self.log => log.answer(request),
            _ => Answer::empty(StatusCode::NOT_FOUND),
        }
    }

    /// The answer to a request about what the emulator saw. Such requests are not in the ledger.
    fn answer_about_itself(&self, request: &Received) -> Option<Answer> {
        let answer = match (request.path.as_str(), &request.method) {
            (ledger::PATH, &Method::GET) => shown(&self.ledger.entries()),
            (ledger::PATH, &Method::DELETE) => {
                self.ledger.clear();
                Answer::empty(StatusCode::NO_CONTENT)
            }
            (ledger::PATH, _) => Answer::method_not_allowed("GET, DELETE"),
            (ledger::COUNTERS_PATH, &Method::GET) => shown(&self.counters()),
            (ledger::ACCEPTED_PATH, &Method::GET) => shown(&self.accepted()),
            (ledger::COUNTERS_PATH | ledger::ACCEPTED_PATH, _) => Answer::method_not_allowed("GET"),
            _ => return None,
        };
        Some(answer)
    }

    pub(crate) fn counters(&self) -> Counters {
        let distinct_jti = self.push.judge().count_distinct() as u64;
        Counters { distinct_jti, ..self.ledger.counters() }
    }

    pub(crate) fn accepted(&self) -> BTreeMap<String, u64> {
        self.push.judge().accepted().into_iter().collect()
    }
}

fn shown(what: &impl Serialize) -> Answer {
    match serde_json::to_value(what) {
        Ok(value) => Answer::json(StatusCode::OK, &value),
        Err(error) => Answer::json(StatusCode::INTERNAL_SERVER_ERROR, &Value::from(error.to_string())),
    }
}

fn entry(request: &Received, fault: Option<&str>, status: u16, notes: Notes) -> Entry {
    Entry {
        sequence: 0,
        method: request.method.to_string(),
        path: request.path.clone(),
        status,
        fault: fault.map(str::to_owned),
        accepted: notes.accepted,
        err: notes.err,
        description: notes.description,
        dropped: notes.dropped,
        header: notes.header,
        claims: notes.claims,
        request: RequestFacts::of(&request.headers),
    }
}
