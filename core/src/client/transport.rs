//! Requests over reqwest.

use std::time::Duration;

use reqwest::{Client, redirect::Policy};

use super::tls;
use crate::{
    error::{Error, Result},
    http::{Failure, MAX_ANSWER, Request, Response},
};

const USER_AGENT: &str = concat!("ssf-transmitter/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One HTTP pool.
#[derive(Clone, Debug)]
pub(super) struct Transport(Client);

impl Transport {
    pub(super) fn new(extra_roots: &[Vec<u8>]) -> Result<Self> {
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .tls_backend_preconfigured(tls::config(extra_roots)?)
            // A SET and its credentials go where they were addressed to, and nowhere else.
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .build()
            .map_err(|error| Error::internal("the HTTP client cannot be built").because(error))?;
        Ok(Self(client))
    }

    pub(super) async fn send(&self, request: &Request) -> Result<Response, Failure> {
        let mut builder = self.0.post(request.url()).body(request.body().to_owned());
        for (name, value) in request.headers() {
            builder = builder.header(name, value);
        }
        let failure = |error: &reqwest::Error| {
            if error.is_connect() || error.is_builder() { Failure::NotConnected } else { Failure::Broken }
        };
        let mut answer = builder.send().await.map_err(|error| failure(&error))?;

        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
        Ok(Response::new(answer.status().as_u16(), headers, body))
    }
}
