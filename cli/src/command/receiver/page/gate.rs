//! Who may read the page: whoever has its token, from an address of this machine.
//!
//! The name in `Host` is checked, because a name of somebody else may lead to this machine (DNS rebinding), and `Origin`,
//! because pages of others may send requests here.

use std::sync::{Mutex, PoisonError};

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};
use sha2::{Digest as _, Sha256};
use ssf_transmitter::access_token::StaticToken;

use super::super::super::Result;

/// The page needs its own files and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// Goes on to the page. A redirect would count as a step of the page that had the link, and come without the cookie.
const GO_ON: &str =
    "<!doctype html><meta http-equiv=\"refresh\" content=\"0; url=/\"><title>ssf receiver</title>";

/// What has to be shown to get in.
pub(super) struct Gate {
    port: u16,
    token: String,
    /// What opens the page once, in place of the token.
    ticket: Mutex<Option<String>>,
}

impl Gate {
    pub(super) fn new(port: u16) -> Result<Self> {
        Ok(Self { port, token: secret()?, ticket: Mutex::default() })
    }

    pub(super) fn url(&self) -> String {
        self.url_with(&self.token)
    }

    /// An address that opens the page once.
    pub(super) fn ticket_url(&self) -> Result<String> {
        let ticket = secret()?;
        let url = self.url_with(&ticket);
        *self.ticket.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticket);
        Ok(url)
    }

    fn url_with(&self, token: &str) -> String {
        format!("http://127.0.0.1:{}/?token={token}", self.port)
    }

    /// The answer to a request that may not go on.
    pub(super) fn admit(&self, request: &Request) -> Option<Response> {
        let headers = request.headers();
        let hosts = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", self.port));
        let is_here = |value: &str| hosts.iter().any(|host| host == value);
        if !only(headers, &header::HOST).is_some_and(is_here) {
            return Some(refused(
                StatusCode::MISDIRECTED_REQUEST,
                "This page is at 127.0.0.1 and localhost only.",
            ));
        }
        let is_read = [Method::GET, Method::HEAD].contains(request.method());
        let origin = only(headers, &header::ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
        if !is_read && !origin.is_some_and(is_here) {
            return Some(refused(StatusCode::FORBIDDEN, "Only the page itself may send this."));
        }
        let query = request.uri().query().unwrap_or_default();
        let shown = query.split('&').find_map(|part| part.strip_prefix("token="));
        match shown {
            Some(token) if request.uri().path() == "/" && self.takes(token) => {
                Some(([(header::SET_COOKIE, self.cookie())], Html(GO_ON)).into_response())
            }
            None if self.is_known(headers) => None,
            _ => {
                let words =
                    "Open the address that ssf receiver printed as \"page\". Each run has another one.";
                Some(refused(StatusCode::UNAUTHORIZED, words))
            }
        }
    }

    /// Whether it is the token, or the ticket, which is used up then.
    fn takes(&self, token: &str) -> bool {
        let mut ticket = self.ticket.lock().unwrap_or_else(PoisonError::into_inner);
        is_same(token, &self.token) || ticket.take_if(|ticket| is_same(token, ticket)).is_some()
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut cookies =
            lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
        cookies.any(|(name, value)| name == self.cookie_name() && is_same(value, &self.token))
    }

    fn cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.cookie_name(), self.token)
    }

    /// All ports of a host have the same cookies.
    fn cookie_name(&self) -> String {
        format!("ssf_receiver_{}", self.port)
    }
}

/// What every answer says to the browser.
pub(super) fn protect(headers: &mut HeaderMap) {
    let values = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    headers.extend(values.map(|(name, value)| (name, HeaderValue::from_static(value))));
}

fn refused(status: StatusCode, words: &'static str) -> Response {
    (status, format!("{words}\n")).into_response()
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok();
    if values.next().is_some() { None } else { value }
}

/// Takes as long for a good guess as for a bad one.
fn is_same(one: &str, other: &str) -> bool {
    Sha256::digest(one) == Sha256::digest(other)
}

/// 256 random bits.
fn secret() -> Result<String> {
    Ok(StaticToken::generate()?.secret().expose().clone())
}
