//! The push endpoint: the HTTP side of RFC 8935 §2, and how the receiver words its answers.

use std::sync::Arc;

use axum::http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;

use super::answer::{Answer, Notes, Refusal};
use super::config::Config;
use super::documents::is_media_type;
use super::judge::Judge;
use super::ledger::{Dropped, text};
use super::profile::{Answers, Profile};
use super::received::Received;
use super::token::TokenEndpoint;
use super::transmitters::Transmitters;

pub(crate) struct PushEndpoint {
    profile: &'static Profile,
    /// Whose tokens are needed, if any are.
    tokens: Option<Arc<TokenEndpoint>>,
    judge: Judge,
}

impl PushEndpoint {
    pub(crate) fn new(
        config: &Config,
        tokens: Option<Arc<TokenEndpoint>>,
        transmitters: Arc<Transmitters>,
    ) -> Self {
        Self { profile: config.like.profile(), tokens, judge: Judge::new(config, transmitters) }
    }

    pub(crate) async fn answer(&self, request: &Received) -> Answer {
        if request.method != Method::POST {
            return Answer::method_not_allowed("POST");
        }
        // A gateway stands before the receiver: it looks at the token before anybody looks at the body.
        if let Some(tokens) = &self.tokens
            && let Err(error) = tokens.check_bearer(&request.headers)
        {
            return error.answer();
        }
        if self.profile.health_probe.is_some_and(|probe| request.body == probe.as_bytes()) {
            return Answer::json(StatusCode::OK, &Value::from("OK"));
        }
        let mut notes = Notes::default();
        let verdict = match self.check_headers(&request.headers) {
            Ok(()) => self.judge.judge(&request.body, &mut notes).await,
            Err(refusal) => Err(refusal),
        };
        self.word(verdict, notes)
    }

    /// How the receiver words a refusal.
    pub(crate) fn refuse(&self, refusal: Refusal) -> Answer {
        self.word(Err(refusal), Notes::default())
    }

    pub(crate) fn judge(&self) -> &Judge {
        &self.judge
    }

    fn check_headers(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        if let Some(needed) = self.profile.content_type {
            let content_type = text(headers, &header::CONTENT_TYPE).unwrap_or_default();
            if !is_media_type(&content_type, needed) {
                return Err(Refusal::request(format!("The Content-Type has to be {needed}")));
            }
        }
        if let Some(needed) = self.profile.accept {
            let accept = text(headers, &header::ACCEPT).unwrap_or_default();
            if !accept.split(',').any(|range| is_media_type(range, needed)) {
                return Err(Refusal::request(format!("Accept has to be {needed}")));
            }
        }
        Ok(())
    }

    fn word(&self, verdict: Result<Option<Dropped>, Refusal>, mut notes: Notes) -> Answer {
        let mut answer = match (&verdict, self.profile.answers) {
            (Ok(_), Answers::Rfc8935) => Answer::empty(StatusCode::ACCEPTED),
            (Err(refusal), Answers::Rfc8935) => Answer::rfc8935_error(refusal),
            // Real ones give the id under which the message was queued; no sender may rely on it.
            (Ok(_), Answers::JsonText) => Answer::json(StatusCode::ACCEPTED, &Value::from("queued")),
            (Err(refusal), Answers::JsonText) => {
                Answer::json(StatusCode::BAD_REQUEST, &Value::from(refusal.description.as_str()))
            }
        };
        match verdict {
            Ok(dropped) => {
                notes.accepted = true;
                notes.dropped = dropped;
            }
            Err(refusal) => {
                notes.err = Some(refusal.code.as_str().to_owned());
                notes.description = Some(refusal.description);
            }
        }
        answer.notes = notes;
        answer
    }
}
