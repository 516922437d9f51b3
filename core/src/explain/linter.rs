//! What a linter explains.

use super::{Exchange, Explanation};
use crate::{
    error::Error,
    http::Response,
    lint::{self, Linter},
};

impl Linter {
    /// Explains the answer of the receiver to a SET. The more the linter knows, the more precise the result: with
    /// [`jwks`](Self::jwks) a rejected key is distinguished from other causes.
    ///
    /// ```
    /// use ssf_transmitter::{Dialect, http::Response, lint::Linter};
    ///
    /// let body = br#"{ "err": "invalid_request", "description": "'previousStatus': The field cannot be left blank" }"#;
    /// let answer = Response::new(400, [], body.to_vec());
    /// let explanation = Linter::new(&Dialect::okta()).explain("", &answer);
    /// assert!(!explanation.is_delivered());
    /// assert!(explanation.cause().contains("`previous_status`"));
    /// ```
    pub fn explain(&self, set: &str, answer: &Response) -> Explanation {
        let findings = if set.is_empty() { Vec::new() } else { self.jwt(set) };
        let claims = lint::claims(set);
        let sent_as = self.sent_as.as_deref();
        Exchange { context: self.context(), findings, set, claims, sent_as, answer }.explain()
    }

    /// What it means that a SET was not delivered: as [`explain`](Self::explain), from the error of `emit` or `deliver`.
    pub fn explain_error(&self, set: &str, error: &Error) -> Explanation {
        match error.status() {
            Some(status) => {
                self.explain_refusal(set, status, error.receiver_error(), error.receiver_description())
            }
            None => Explanation::of_error(error),
        }
    }

    /// What a refusal means of which no more was kept than status, code and description: as [`explain`](Self::explain).
    ///
    /// ```
    /// use ssf_transmitter::{Dialect, lint::Linter};
    ///
    /// let explanation = Linter::new(&Dialect::okta()).explain_refusal("", 400, Some("invalid_audience"), None);
    /// assert_eq!(explanation.reason(), "invalid_audience");
    /// ```
    pub fn explain_refusal(
        &self,
        set: &str,
        status: u16,
        err: Option<&str>,
        description: Option<&str>,
    ) -> Explanation {
        let mut body = serde_json::Map::new();
        for (name, value) in [("err", err), ("description", description)] {
            body.extend(value.map(|value| (name.to_owned(), value.into())));
        }
        let body = serde_json::Value::Object(body).to_string();
        self.explain(set, &Response::new(status, [], body.into_bytes()))
    }
}
