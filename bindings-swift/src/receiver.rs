//! Receivers, their dialects, and credentials for access tokens.

use std::sync::Arc;

use ssf_transmitter::{
    self as sdk,
    token::{Authorization, ClientAuthentication},
};

use crate::{
    failure::{Failure, Result},
    key::SigningKey,
};

/// Whom SETs are for.
#[derive(Clone, uniffi::Enum)]
pub enum Audience {
    One { value: String },
    Several { values: Vec<String> },
}

impl From<Audience> for sdk::set::Audience {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::One { value } => value.into(),
            Audience::Several { values } => values.into(),
        }
    }
}

/// What one kind of receiver wants of a SET.
#[derive(uniffi::Object)]
pub struct Dialect(pub(crate) sdk::Dialect);

/// The ids of the built-in dialects.
#[uniffi::export]
pub fn dialect_ids() -> Vec<String> {
    sdk::Dialect::ids().map(str::to_owned).collect()
}

#[uniffi::export]
impl Dialect {
    #[uniffi::constructor]
    pub fn built_in(id: String) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(sdk::Dialect::built_in(&id)?)))
    }

    #[uniffi::constructor]
    pub fn from_toml(text: String) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(sdk::Dialect::from_toml(&text)?)))
    }

    pub fn extended(&self, text: String) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(self.0.extended(&text)?)))
    }

    pub fn id(&self) -> String {
        self.0.id().to_owned()
    }

    pub fn title(&self) -> String {
        self.0.title().to_owned()
    }

    pub fn source(&self) -> String {
        self.0.source().to_owned()
    }
}

/// Client credentials, and the endpoint that gives access tokens for them.
#[derive(uniffi::Record)]
pub struct ClientCredentials {
    pub token_url: String,
    pub client_id: String,
    pub client: ClientProof,
    pub parameters: Vec<Parameter>,
}

/// How a client names itself.
#[derive(uniffi::Enum)]
pub enum ClientProof {
    Basic { secret: String },
    Body { secret: String },
    Key { key: Arc<SigningKey> },
}

/// A name and a value: a parameter of a form, or a header.
#[derive(uniffi::Record)]
pub struct Parameter {
    pub name: String,
    pub value: String,
}

impl ClientCredentials {
    pub(crate) fn core(self) -> sdk::token::ClientCredentials {
        use sdk::token::ClientCredentials as Credentials;
        let Self { token_url, client_id, client, parameters } = self;
        let credentials = match client {
            ClientProof::Basic { secret } => Credentials::new(token_url, client_id, secret),
            ClientProof::Body { secret } => {
                Credentials::new(token_url, client_id, secret).authentication(ClientAuthentication::Body)
            }
            ClientProof::Key { key } => Credentials::with_key(token_url, client_id, key.0.clone()),
        };
        parameters.into_iter().fold(credentials, |credentials, parameter| {
            credentials.parameter(parameter.name, parameter.value)
        })
    }
}

/// How the sender authorizes.
#[derive(uniffi::Enum)]
pub enum Credentials {
    /// Not at all.
    None,
    /// With a bearer token that does not change.
    Bearer { token: String },
    /// With this value of the header `Authorization`.
    Header { value: String },
    /// With access tokens.
    Client { credentials: ClientCredentials },
}

/// Which receiver it is.
#[derive(uniffi::Enum)]
pub enum Address {
    Okta { org: String },
    GovUkOneLogin { inbound: String },
    Any { endpoint: String },
}

/// The settings of a receiver.
#[derive(uniffi::Record)]
pub struct ReceiverSettings {
    pub address: Address,
    pub audience: Option<Audience>,
    pub dialect: Option<Arc<Dialect>>,
    pub time_unit: Option<String>,
    pub subject_shape: Option<String>,
    pub credentials: Credentials,
    pub allow_loopback: bool,
    pub concurrency: Option<i64>,
    pub rate_limit: Option<f64>,
}

/// Where SETs go.
#[derive(uniffi::Object)]
pub struct Receiver(pub(crate) sdk::Receiver);

#[uniffi::export]
impl Receiver {
    #[uniffi::constructor]
    pub fn build(settings: ReceiverSettings) -> Result<Arc<Self>> {
        Ok(Arc::new(Self(settings.core()?)))
    }

    pub fn host(&self) -> String {
        self.0.host().to_owned()
    }

    pub fn audience(&self) -> Vec<String> {
        match self.0.audience() {
            sdk::set::Audience::One(one) => vec![one.clone()],
            sdk::set::Audience::Several(several) => several.clone(),
            _ => Vec::new(),
        }
    }

    pub fn dialect(&self) -> Arc<Dialect> {
        Arc::new(Dialect(self.0.dialect().clone()))
    }
}

impl ReceiverSettings {
    fn core(self) -> Result<sdk::Receiver> {
        let mut builder = match (self.address, self.audience.map(sdk::set::Audience::from)) {
            (Address::Okta { org }, None) => sdk::Receiver::okta(org),
            (Address::Okta { org }, Some(audience)) => sdk::Receiver::okta(org).audience(audience),
            (Address::GovUkOneLogin { inbound }, Some(audience)) => {
                sdk::Receiver::govuk_one_login(inbound, audience)
            }
            (Address::Any { endpoint }, Some(audience)) => sdk::Receiver::builder(endpoint, audience),
            (_, None) => return Err(Failure::config("a receiver needs an audience")),
        };
        if let Some(dialect) = self.dialect {
            builder = builder.dialect(&dialect.0);
        }
        if let Some(unit) = self.time_unit {
            builder = builder.time_unit(unit.parse()?);
        }
        if let Some(shape) = self.subject_shape {
            builder = builder.subject_shape(shape.parse()?);
        }
        builder = match self.credentials {
            Credentials::None => builder,
            Credentials::Bearer { token } => builder.bearer(token),
            Credentials::Header { value } => builder.authorization(Authorization::Header(value.into())),
            Credentials::Client { credentials } => builder.client_credentials(credentials.core()),
        };
        if self.allow_loopback {
            builder = builder.allow_loopback();
        }
        if let Some(deliveries) = self.concurrency {
            let deliveries = deliveries.try_into();
            builder = builder
                .concurrency(deliveries.map_err(|_| Failure::config("a concurrency is at least one"))?);
        }
        if let Some(rate) = self.rate_limit {
            builder = builder.rate_limit(rate);
        }
        Ok(builder.build()?)
    }
}
