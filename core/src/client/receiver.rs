//! A receiver: where SETs go.

use std::{fmt, sync::Arc};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    authorization::{Authorized, Fetched},
    transport::Transport,
};
use crate::{
    catalogue::Shape,
    delivery::{Gate, Target},
    dialect::{Dialect, TimeUnit},
    error::{Error, ErrorCode, Result},
    http::Endpoint,
    secret::Secret,
    set::Audience,
    time::Clock,
    token::{Authorization, ClientCredentials},
};

/// Concurrent deliveries to one receiver, by default.
const CONCURRENCY: usize = 16;

/// The destination of SETs: push endpoint, audience, dialect and authorization. Cheap to clone, even by the thousands.
///
/// ```
/// use ssf_transmitter::{Receiver, token::ClientCredentials};
///
/// let okta = Receiver::okta("https://acme.okta.com").build()?;
/// let govuk = Receiver::govuk_one_login("https://inbound-ssf.example.gov.uk/", "https://ssf.account.gov.uk/")
///     .client_credentials(ClientCredentials::new("https://auth.example.gov.uk/authorize", "id", "secret"))
///     .build()?;
/// let any = Receiver::builder("https://receiver.example.net/events", "https://receiver.example.net").build()?;
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct Receiver(Arc<Inner>);

struct Inner {
    target: Target,
    audience: Audience,
    dialect: Dialect,
    authorization: Authorized,
    gate: Arc<Gate>,
    /// Concurrent deliveries.
    slots: Semaphore,
}

/// Builds a [`Receiver`]; [`build`](Self::build) checks it.
#[derive(Clone)]
pub struct ReceiverBuilder {
    endpoint: String,
    audience: Audience,
    dialect: Dialect,
    time_unit: Option<TimeUnit>,
    subject_shape: Option<Shape>,
    authorization: Authorization,
    loopback: bool,
    concurrency: usize,
    requests_per_second: Option<f64>,
}

impl Receiver {
    /// A receiver with the dialect `ssf-1.0`: the https URL of its push endpoint, and its audience exactly as it
    /// documents it.
    pub fn builder(endpoint: impl Into<String>, audience: impl Into<Audience>) -> ReceiverBuilder {
        ReceiverBuilder {
            endpoint: endpoint.into(),
            audience: audience.into(),
            dialect: Dialect::default(),
            time_unit: None,
            subject_shape: None,
            authorization: Authorization::None,
            loopback: false,
            concurrency: CONCURRENCY,
            requests_per_second: None,
        }
    }

    /// An Okta org: the URL where its users sign in, such as `https://acme.okta.com`.
    ///
    /// The URL is the audience too, as it is: Okta's pages show it with and without a trailing slash, and only the latter
    /// works. Set [`audience`](ReceiverBuilder::audience) if an org expects another.
    pub fn okta(org: impl Into<String>) -> ReceiverBuilder {
        let org = org.into().trim().to_owned();
        let dialect = Dialect::okta();
        let path = dialect.push_path().unwrap_or_default();
        let endpoint = format!("{}{path}", org.strip_suffix('/').unwrap_or(&org));
        Self::builder(endpoint, org).dialect(&dialect)
    }

    /// GOV.UK One Login, with the inbound URL and the audience from its team. It needs
    /// [`client_credentials`](ReceiverBuilder::client_credentials).
    pub fn govuk_one_login(inbound: impl Into<String>, audience: impl Into<Audience>) -> ReceiverBuilder {
        Self::builder(inbound, audience).dialect(&Dialect::govuk_one_login())
    }

    /// Its audience.
    pub fn audience(&self) -> &Audience {
        &self.0.audience
    }

    /// Its dialect.
    pub fn dialect(&self) -> &Dialect {
        &self.0.dialect
    }

    /// The host of its push endpoint.
    pub fn host(&self) -> &str {
        self.0.target.host()
    }

    pub(super) fn target(&self) -> Target {
        self.0.target.clone()
    }

    pub(super) fn gate(&self) -> Arc<Gate> {
        self.0.gate.clone()
    }

    /// Waits until another delivery to this receiver may begin.
    pub(super) async fn slot(&self) -> Result<SemaphorePermit<'_>> {
        self.0.slots.acquire().await.map_err(|error| Error::internal("slots are never closed").because(error))
    }

    /// Whether it may be this machine.
    pub(super) fn allows_loopback(&self) -> bool {
        self.0.target.endpoint().is_allowed_loopback()
    }

    /// Whether it reads the documents of the transmitter, and is not given the public key by hand.
    pub(super) fn reads_documents(&self) -> bool {
        self.dialect().data().set.kid
    }

    /// Whether the sender authorizes.
    pub(super) fn is_authorized(&self) -> bool {
        !matches!(self.0.authorization, Authorized::Not)
    }

    /// A fresh access token, if one is needed.
    pub(super) async fn fetch_token(
        &self,
        transport: &Transport,
        clock: &dyn Clock,
    ) -> Option<Result<Fetched>> {
        self.0.authorization.fetch(transport, clock).await
    }

    /// The value of the header `Authorization`, other than the `refused` one.
    pub(super) async fn authorize(
        &self,
        transport: &Transport,
        clock: &dyn Clock,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>> {
        self.0.authorization.value(transport, clock, self.host(), refused).await
    }
}

impl ReceiverBuilder {
    /// Sets the audience.
    pub fn audience(mut self, audience: impl Into<Audience>) -> Self {
        self.audience = audience.into();
        self
    }

    /// Sets the dialect.
    pub fn dialect(mut self, dialect: &Dialect) -> Self {
        self.dialect = dialect.clone();
        self
    }

    /// Sets the unit of event times, if it differs from the dialect.
    pub fn time_unit(mut self, unit: TimeUnit) -> Self {
        self.time_unit = Some(unit);
        self
    }

    /// Sets the form of the subject inside the event, if it differs from the dialect.
    ///
    /// A dialect that leaves the form to each event, such as `ssf-1.0`, does not accept this setting.
    pub fn subject_shape(mut self, shape: Shape) -> Self {
        self.subject_shape = Some(shape);
        self
    }

    /// Sets how the sender authorizes.
    pub fn authorization(mut self, authorization: Authorization) -> Self {
        self.authorization = authorization;
        self
    }

    /// Authorizes with an access token, got for these credentials.
    pub fn client_credentials(self, credentials: ClientCredentials) -> Self {
        self.authorization(Authorization::ClientCredentials(credentials))
    }

    /// Authorizes with a bearer token that does not change.
    pub fn bearer(self, token: impl Into<Secret<String>>) -> Self {
        self.authorization(Authorization::Bearer(token.into()))
    }

    /// Allows loopback addresses, and plain http to them, for tests.
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Limits concurrent deliveries to this receiver; 16 by default. Others wait, and no other
    /// receiver's deliveries do.
    pub fn concurrency(mut self, deliveries: usize) -> Self {
        self.concurrency = deliveries;
        self
    }

    /// Limits the requests per second to the receiver; unlimited by default.
    pub fn rate_limit(mut self, requests_per_second: f64) -> Self {
        self.requests_per_second = Some(requests_per_second);
        self
    }

    /// Checks the settings.
    pub fn build(self) -> Result<Receiver> {
        let mut dialect = self.dialect;
        if let Some(unit) = self.time_unit {
            dialect = dialect.with_time_unit(unit)?;
        }
        if let Some(shape) = self.subject_shape {
            dialect = dialect.with_subject_shape(shape)?;
        }
        let endpoint = Endpoint::parse(&self.endpoint, self.loopback)?;
        self.audience.check()?;
        let authorization = Authorized::new(self.authorization, self.loopback)?;
        let rate = self.requests_per_second;
        if rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
            return Err(Error::new(
                ErrorCode::ConfigurationInvalid,
                "the rate limit must be a positive number",
            ));
        }
        if !(1..=Semaphore::MAX_PERMITS).contains(&self.concurrency) {
            return Err(Error::new(ErrorCode::ConfigurationInvalid, "the concurrency must be at least 1"));
        }
        let authorizes = !matches!(authorization, Authorized::Not);
        if !authorizes && dialect.requires_authorization() {
            let message = format!("{} requires an authorization", dialect.title());
            return Err(Error::new(ErrorCode::ConfigurationInvalid, message));
        }
        let mut target = Target::at(endpoint).with_dialect(&dialect);
        if authorizes {
            target = target.with_authorization();
        }
        Ok(Receiver(Arc::new(Inner {
            target,
            audience: self.audience,
            dialect,
            authorization,
            gate: Arc::new(Gate::new(rate)),
            slots: Semaphore::new(self.concurrency),
        })))
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Receiver")
            .field("host", &self.host())
            .field("audience", &self.0.audience)
            .field("dialect", &self.0.dialect)
            .finish_non_exhaustive()
    }
}

/// The endpoint stays out of it: its path may be a secret.
impl fmt::Debug for ReceiverBuilder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ReceiverBuilder")
            .field("audience", &self.audience)
            .field("dialect", &self.dialect.id())
            .finish_non_exhaustive()
    }
}
