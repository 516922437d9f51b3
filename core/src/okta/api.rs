//! Which request does what, and how its answer is read.

use serde::de::DeserializeOwned;

use super::{
    NewProvider, SecurityEventsProvider,
    call::{Call, Effect},
    link,
};
use crate::{
    error::{Error, ErrorCode, Result},
    http::{Endpoint, Method, Request, Response},
};

const PATH: &str = "/api/v1/security-events-providers";
/// A list of providers may be long.
const MAX_ANSWER: usize = 1024 * 1024;

/// The API of one org.
#[derive(Clone, Debug)]
pub struct ProvidersApi {
    org: Endpoint,
    loopback: bool,
}

impl ProvidersApi {
    /// The API of an org by its https URL, such as `https://acme.okta.com`.
    pub fn new(org: &str) -> Result<Self> {
        Self::at(org, false)
    }

    /// The same; `loopback` allows this machine, as org and in settings, over plain http too.
    pub(crate) fn at(org: &str, loopback: bool) -> Result<Self> {
        Ok(Self { org: self::org(org, loopback)?, loopback })
    }

    /// The host of the org.
    pub fn host(&self) -> &str {
        self.org.host()
    }

    /// Registers a provider. Okta makes it active.
    pub fn create(&self, provider: &NewProvider) -> Result<Call<SecurityEventsProvider>> {
        let body = provider.to_json(self.loopback)?;
        Ok(Call::new("create", self.request(Method::Post, "", Some(body)), Effect::Creates, read_provider))
    }

    /// Reads the first page of the list of providers; [`Page::next`] is the next one.
    pub fn list(&self) -> Call<Page> {
        Call::new("list", self.request(Method::Get, "", None), Effect::Repeatable, read_page)
    }

    /// Reads a provider.
    pub fn read(&self, id: &str) -> Result<Call<SecurityEventsProvider>> {
        self.provider("read", Method::Get, id, "", None)
    }

    /// Replaces what can be set of a provider, all of it.
    pub fn replace(&self, id: &str, provider: &NewProvider) -> Result<Call<SecurityEventsProvider>> {
        let body = provider.to_json(self.loopback)?;
        self.provider("replace", Method::Put, id, "", Some(body))
    }

    /// Activates a provider, so that its SETs are accepted.
    pub fn activate(&self, id: &str) -> Result<Call<SecurityEventsProvider>> {
        self.provider("activate", Method::Post, id, "/lifecycle/activate", None)
    }

    /// Deactivates a provider, so that its SETs are rejected.
    pub fn deactivate(&self, id: &str) -> Result<Call<SecurityEventsProvider>> {
        self.provider("deactivate", Method::Post, id, "/lifecycle/deactivate", None)
    }

    /// Deletes a provider.
    pub fn delete(&self, id: &str) -> Result<Call<()>> {
        let request = self.request(Method::Delete, &step(id)?, None);
        Ok(Call::new("delete", request, Effect::Deletes, |_, _| Ok(())))
    }

    fn provider(
        &self,
        operation: &'static str,
        method: Method,
        id: &str,
        then: &str,
        body: Option<String>,
    ) -> Result<Call<SecurityEventsProvider>> {
        let request = self.request(method, &format!("{}{then}", step(id)?), body);
        Ok(Call::new(operation, request, Effect::Repeatable, read_provider))
    }

    fn request(&self, method: Method, path: &str, body: Option<String>) -> Request {
        Request::json(method, self.org.at_path(&format!("{PATH}{path}")), body).with_max_answer(MAX_ANSWER)
    }
}

/// An org by its URL.
pub(super) fn org(url: &str, loopback: bool) -> Result<Endpoint> {
    let endpoint = Endpoint::parse(url, loopback)?;
    if endpoint.url().path() != "/" || endpoint.url().query().is_some() {
        let message = "the org URL must have no path or query, as in https://acme.okta.com";
        return Err(Error::new(ErrorCode::EndpointInvalid, message));
    }
    Ok(endpoint)
}

/// An id as a step of a path. What could be read as anything else there is no id of Okta's.
fn step(id: &str) -> Result<String> {
    let is_id = (1..=100).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_id {
        return Ok(format!("/{id}"));
    }
    let message = "a provider id has only letters and digits, as in sse1qg25RpusjUP6m0g5";
    Err(Error::new(ErrorCode::ProviderInvalid, message).at("/id"))
}

/// A part of the list of providers.
#[derive(Clone, Debug)]
pub struct Page {
    providers: Vec<SecurityEventsProvider>,
    next: Option<Endpoint>,
}

impl Page {
    /// The providers.
    pub fn providers(&self) -> &[SecurityEventsProvider] {
        &self.providers
    }

    pub(super) fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// Reads the next page, if there is one.
    pub fn next(&self) -> Option<Call<Self>> {
        let request = Request::json(Method::Get, self.next.clone()?, None).with_max_answer(MAX_ANSWER);
        Some(Call::new("list", request, Effect::Repeatable, read_page))
    }

    #[cfg_attr(not(feature = "client"), allow(dead_code, reason = "the client puts pages together"))]
    pub(crate) fn into_providers(self) -> Vec<SecurityEventsProvider> {
        self.providers
    }
}

fn read_provider(request: &Request, response: &Response) -> Result<SecurityEventsProvider> {
    read_json(request, response, "no provider")
}

fn read_page(request: &Request, response: &Response) -> Result<Page> {
    let providers = read_json(request, response, "no list of providers")?;
    let next = next_page(request, response)?;
    if next.as_ref() == Some(&request.url) {
        return Err(unexpected(request, response, "a page that is its own next page"));
    }
    Ok(Page { providers, next })
}

/// Where the next page is, if there is one.
pub(super) fn next_page(request: &Request, response: &Response) -> Result<Option<Endpoint>> {
    let Some(target) = response.headers_named("link").find_map(link::next) else {
        return Ok(None);
    };
    // Whoever gets the next request gets the token with it.
    let elsewhere = || unexpected(request, response, "a next page at another address");
    request.url.join_same_origin(target).map(Some).ok_or_else(elsewhere)
}

pub(super) fn read_json<T: DeserializeOwned>(request: &Request, response: &Response, not: &str) -> Result<T> {
    serde_json::from_slice(response.text_bytes()).map_err(|_| unexpected(request, response, not))
}

pub(super) fn unexpected(request: &Request, response: &Response, what: &str) -> Error {
    let message = format!("the answer of {} contains {what}", request.url.host());
    Error::new(ErrorCode::ApiAnswerUnexpected, message).with_status(response.status)
}
