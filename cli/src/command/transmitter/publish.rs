//! `POST /publish`: how the programs of a vendor give events to the transmitter.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use ssf_transmitter::{
    Error, ErrorKind, Event, Subject, access_token::TokenHash, outbox::Entry, stream::StreamApi,
};

use super::demo::Demo;

/// Where events are published.
const PATH: &str = "/publish";
/// Where the examples of all events are.
const EXAMPLES: &str = "/publish/examples";
/// The longest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

type Answer = Response<Full<Bytes>>;

/// Publishes what programs send.
pub(super) struct Publishing {
    api: StreamApi,
    /// The hashes of the tokens of these programs.
    publishers: Vec<TokenHash>,
    demo: Option<Arc<Demo>>,
}

/// What a program sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// As in a SET: `{ uri: members }`.
    event: Value,
    subject: Option<Map<String, Value>>,
    txn: Option<String>,
    idempotency_key: Option<String>,
}

impl Publishing {
    pub(super) fn new(api: StreamApi, publishers: Vec<TokenHash>, demo: Option<Arc<Demo>>) -> Self {
        Self { api, publishers, demo }
    }

    /// The answer, or the request if it is for somebody else.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Result<Answer, Request<Incoming>> {
        let wants_examples = match request.uri().path() {
            PATH => false,
            EXAMPLES if self.demo.is_some() => true,
            _ => return Err(request),
        };
        if request.method() != Method::POST {
            return Ok(refused(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "the method here is POST",
            ));
        }
        if !self.permits(&request) {
            let message = "the header Authorization with a token of a publisher is required";
            return Ok(refused(StatusCode::UNAUTHORIZED, "authentication_failed", message));
        }
        if wants_examples {
            let published = match &self.demo {
                Some(demo) => demo.send(&self.api).await,
                None => Ok(0),
            };
            return Ok(published
                .map_or_else(|error| failed(&error), |events| accepted(&json!({ "events": events }))));
        }
        let body = match Limited::new(request.into_body(), MAX_BODY).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => {
                return Ok(refused(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "the body is too long"));
            }
        };
        Ok(self.publish(&body).await.unwrap_or_else(|error| failed(&error)))
    }

    /// Whether the request has the token of a publisher. Hashes are compared: how long that takes says nothing of a token.
    fn permits(&self, request: &Request<Incoming>) -> bool {
        let shown = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = shown.and_then(|value| value.strip_prefix("Bearer ")).map(TokenHash::of);
        token.is_some_and(|token| self.publishers.contains(&token))
    }

    async fn publish(&self, body: &[u8]) -> Result<Answer, Error> {
        let Ok(body) = serde_json::from_slice::<Body>(body) else {
            let message = "the body is an object with event, subject, txn and idempotency_key";
            return Ok(refused(StatusCode::BAD_REQUEST, "invalid_request", message));
        };
        let entry = Entry::new(Event::from_value(body.event)?, body.subject.map(Subject::from_members));
        let entry = body.txn.into_iter().fold(entry, Entry::txn);
        let entry = body.idempotency_key.into_iter().fold(entry, Entry::idempotency_key);
        let published = self.api.publish(entry).await?;
        Ok(accepted(&json!({
            "jtis": published.jtis,
            "streams": published.streams,
            "repeated": published.repeated,
        })))
    }
}

fn accepted(body: &Value) -> Answer {
    answer(StatusCode::ACCEPTED, body)
}

/// The message of an error of ours holds no value of the event.
fn failed(error: &Error) -> Answer {
    let status = match error.kind() {
        ErrorKind::Validation => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = json!({
        "err": error.code().as_str(),
        "description": error.message(),
        "pointer": error.pointer(),
    });
    answer(status, &body)
}

fn refused(status: StatusCode, err: &str, description: &str) -> Answer {
    answer(status, &json!({ "err": err, "description": description }))
}

fn answer(status: StatusCode, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, header::HeaderValue::from_static("POST"));
    }
    answer
}
