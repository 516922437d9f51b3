//! Receivers, and the credentials for them.

use ssf_transmitter::{
    Dialect, Receiver, Result, SigningKey,
    client::ReceiverBuilder,
    secret::Secret,
    set::Audience,
    token::{Authorization, ClientAuthentication, ClientCredentials as CoreCredentials},
};

use crate::{invalid, set};

/// Which receiver it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// An Okta org, by its URL.
    Okta,
    /// GOV.UK One Login, by its inbound URL.
    GovUkOneLogin,
    /// Any other, by its push endpoint.
    Any,
}

impl Kind {
    /// The kind of this name: `okta`, `govuk-one-login`, or another.
    pub fn named(name: &str) -> Self {
        match name {
            "okta" => Self::Okta,
            "govuk-one-login" => Self::GovUkOneLogin,
            _ => Self::Any,
        }
    }
}

/// How the sender authorizes.
pub enum Credentials {
    /// Not at all.
    None,
    /// With a bearer token that does not change.
    Bearer(Secret<String>),
    /// With this value of the header `Authorization`.
    Header(Secret<String>),
    /// With access tokens.
    Client(CoreCredentials),
}

impl Credentials {
    /// The one that is given, if no more than one is.
    pub fn one_of(
        bearer: Option<String>,
        header: Option<String>,
        client: Option<CoreCredentials>,
    ) -> Option<Self> {
        match (bearer.map(Secret::from), header.map(Secret::from), client) {
            (None, None, None) => Some(Self::None),
            (Some(token), None, None) => Some(Self::Bearer(token)),
            (None, Some(value), None) => Some(Self::Header(value)),
            (None, None, Some(credentials)) => Some(Self::Client(credentials)),
            _ => None,
        }
    }
}

/// How a client names itself at a token endpoint.
pub enum ClientProof {
    /// By a secret, in the header `Authorization` or in the body.
    Secret {
        /// The secret.
        secret: String,
        /// Whether it goes into the body.
        in_body: bool,
    },
    /// By a JWT that this key signs.
    Key(SigningKey),
}

impl ClientProof {
    /// The one that is given, if exactly one is.
    pub fn one_of(secret: Option<String>, key: Option<SigningKey>, in_body: bool) -> Option<Self> {
        match (secret, key) {
            (Some(secret), None) => Some(Self::Secret { secret, in_body }),
            (None, Some(key)) => Some(Self::Key(key)),
            _ => None,
        }
    }
}

/// Client credentials for the token endpoint at `token_url`.
pub fn client_credentials(
    token_url: String,
    client_id: String,
    proof: ClientProof,
    parameters: impl IntoIterator<Item = (String, String)>,
) -> CoreCredentials {
    let credentials = match proof {
        ClientProof::Secret { secret, in_body } => {
            let credentials = CoreCredentials::new(token_url, client_id, secret);
            if in_body { credentials.authentication(ClientAuthentication::Body) } else { credentials }
        }
        ClientProof::Key(key) => CoreCredentials::with_key(token_url, client_id, key),
    };
    let parameter =
        |credentials: CoreCredentials, (name, value): (String, String)| credentials.parameter(name, value);
    parameters.into_iter().fold(credentials, parameter)
}

/// The settings of a receiver.
pub struct ReceiverSettings {
    /// Which one it is.
    pub kind: Kind,
    /// The push endpoint; for Okta the org.
    pub address: String,
    /// Its audience, which Okta does without.
    pub audience: Option<Audience>,
    /// The shape of its SETs.
    pub dialect: Option<Dialect>,
    /// The unit of event times, by name.
    pub time_unit: Option<String>,
    /// The form of the subject in events, by name.
    pub subject_shape: Option<String>,
    /// How the sender authorizes.
    pub credentials: Credentials,
    /// Whether it may be this machine.
    pub allow_loopback: bool,
    /// Maximum number of concurrent deliveries.
    pub concurrency: Option<usize>,
    /// How many requests per second it takes.
    pub rate_limit: Option<f64>,
}

impl ReceiverSettings {
    /// A builder with the settings. [`ReceiverBuilder::build`] checks the rest of them.
    pub fn builder(self) -> Result<ReceiverBuilder> {
        let builder = match (self.kind, self.audience) {
            (Kind::Okta, audience) => set(Receiver::okta(self.address), audience, ReceiverBuilder::audience),
            (Kind::GovUkOneLogin, Some(audience)) => Receiver::govuk_one_login(self.address, audience),
            (Kind::Any, Some(audience)) => Receiver::builder(self.address, audience),
            (_, None) => return Err(invalid("a receiver needs an audience")),
        };
        let builder = set(builder, self.dialect.as_ref(), ReceiverBuilder::dialect);
        let unit = self.time_unit.map(|unit| unit.parse()).transpose()?;
        let builder = set(builder, unit, ReceiverBuilder::time_unit);
        let shape = self.subject_shape.map(|shape| shape.parse()).transpose()?;
        let builder = set(builder, shape, ReceiverBuilder::subject_shape);
        let builder = match self.credentials {
            Credentials::None => builder,
            Credentials::Bearer(token) => builder.bearer(token),
            Credentials::Header(value) => builder.authorization(Authorization::Header(value)),
            Credentials::Client(credentials) => builder.client_credentials(credentials),
        };
        let builder = if self.allow_loopback { builder.allow_loopback() } else { builder };
        let builder = set(builder, self.concurrency, ReceiverBuilder::concurrency);
        Ok(set(builder, self.rate_limit, ReceiverBuilder::rate_limit))
    }
}
