//! Receivers, their dialects, and credentials for access tokens.

use std::sync::Arc;

use ssf_bindings::{
    invalid,
    receiver::{self, Kind},
};
use ssf_transmitter as sdk;

use crate::{failure::Result, key::SigningKey};

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

/// The requirements of one kind of receiver for SETs.
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

/// Client credentials, and the endpoint that issues access tokens for them.
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
        let proof = match self.client {
            ClientProof::Basic { secret } => receiver::ClientProof::Secret { secret, in_body: false },
            ClientProof::Body { secret } => receiver::ClientProof::Secret { secret, in_body: true },
            ClientProof::Key { key } => receiver::ClientProof::Key(key.0.clone()),
        };
        let parameters = self.parameters.into_iter().map(|parameter| (parameter.name, parameter.value));
        receiver::client_credentials(self.token_url, self.client_id, proof, parameters)
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
        Ok(Arc::new(Self(settings.build()?)))
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
    fn build(self) -> sdk::Result<sdk::Receiver> {
        let (kind, address) = match self.address {
            Address::Okta { org } => (Kind::Okta, org),
            Address::GovUkOneLogin { inbound } => (Kind::GovUkOneLogin, inbound),
            Address::Any { endpoint } => (Kind::Any, endpoint),
        };
        let credentials = match self.credentials {
            Credentials::None => receiver::Credentials::None,
            Credentials::Bearer { token } => receiver::Credentials::Bearer(token.into()),
            Credentials::Header { value } => receiver::Credentials::Header(value.into()),
            Credentials::Client { credentials } => receiver::Credentials::Client(credentials.core()),
        };
        let concurrency = self.concurrency.map(usize::try_from).transpose();
        let settings = receiver::ReceiverSettings {
            kind,
            address,
            audience: self.audience.map(Into::into),
            dialect: self.dialect.map(|dialect| dialect.0.clone()),
            time_unit: self.time_unit,
            subject_shape: self.subject_shape,
            credentials,
            allow_loopback: self.allow_loopback,
            concurrency: concurrency.map_err(|_| invalid("the concurrency must be at least 1"))?,
            rate_limit: self.rate_limit,
        };
        settings.builder()?.build()
    }
}
