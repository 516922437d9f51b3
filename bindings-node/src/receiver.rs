//! Receivers, their dialects, and credentials for access tokens.

use napi::bindgen_prelude::{ClassInstance, Either};
use napi_derive::napi;
use ssf_bindings::{
    invalid,
    receiver::{self, ClientProof, Credentials, Kind, client_credentials},
};
use ssf_transmitter::{self as sdk, set::Audience};

use crate::{
    failure::{Failure, Outcome, outcome},
    key::SigningKey,
};

/// An audience: a string, or a list of them.
pub(crate) type Addressee = Either<String, Vec<String>>;

/// The audience as the core has it.
pub(crate) fn audience(addressee: Addressee) -> Audience {
    match addressee {
        Either::A(one) => one.into(),
        Either::B(several) => several.into(),
    }
}

/// The requirements of one kind of receiver for SETs.
#[napi]
pub struct Dialect(pub(crate) sdk::Dialect);

#[napi]
impl Dialect {
    #[napi]
    pub fn ids() -> Vec<&'static str> {
        sdk::Dialect::ids().collect()
    }

    #[napi]
    pub fn built_in(id: String) -> Outcome<Dialect> {
        outcome(sdk::Dialect::built_in(&id).map(Self).map_err(Failure::from))
    }

    #[napi]
    pub fn from_toml(text: String) -> Outcome<Dialect> {
        outcome(sdk::Dialect::from_toml(&text).map(Self).map_err(Failure::from))
    }

    #[napi]
    pub fn extended(&self, text: String) -> Outcome<Dialect> {
        outcome(self.0.extended(&text).map(Self).map_err(Failure::from))
    }

    #[napi(getter)]
    pub fn id(&self) -> String {
        self.0.id().to_owned()
    }

    #[napi(getter)]
    pub fn title(&self) -> String {
        self.0.title().to_owned()
    }

    #[napi(getter)]
    pub fn source(&self) -> String {
        self.0.source().to_owned()
    }

    #[napi(getter)]
    pub fn requires_authorization(&self) -> bool {
        self.0.requires_authorization()
    }
}

/// Client credentials, and the endpoint that issues access tokens for them.
#[napi(object, object_to_js = false)]
pub struct ClientCredentials<'a> {
    pub token_url: String,
    pub client_id: String,
    pub client_secret: Option<String>,
    pub key: Option<ClassInstance<'a, SigningKey>>,
    pub in_body: bool,
    /// Names and values by turns.
    pub parameters: Vec<String>,
}

impl ClientCredentials<'_> {
    pub(crate) fn read(self) -> sdk::Result<sdk::token::ClientCredentials> {
        let key = self.key.map(|key| key.0.clone());
        let proof = ClientProof::one_of(self.client_secret, key, self.in_body)
            .ok_or_else(|| invalid("client credentials have either a clientSecret or a key"))?;
        let parameters = self.parameters.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone()));
        Ok(client_credentials(self.token_url, self.client_id, proof, parameters))
    }
}

/// The settings of a receiver.
#[napi(object, object_to_js = false)]
pub struct ReceiverSettings<'a> {
    /// `okta`, `govuk-one-login`, or `any`.
    pub kind: String,
    /// The push endpoint; at Okta the org.
    pub address: String,
    pub audience: Option<Addressee>,
    pub dialect: Option<ClassInstance<'a, Dialect>>,
    pub time_unit: Option<String>,
    pub subject_shape: Option<String>,
    pub bearer: Option<String>,
    pub authorization: Option<String>,
    pub client_credentials: Option<ClientCredentials<'a>>,
    pub allow_loopback: bool,
    pub concurrency: Option<u32>,
    pub rate_limit: Option<f64>,
}

/// Where SETs go.
#[napi]
pub struct Receiver(pub(crate) sdk::Receiver);

#[napi]
impl Receiver {
    #[napi]
    pub fn build(settings: ReceiverSettings<'_>) -> Outcome<Receiver> {
        outcome(settings.build().map(Self).map_err(Failure::from))
    }

    #[napi(getter)]
    pub fn audience(&self) -> Addressee {
        match self.0.audience() {
            Audience::One(one) => Either::A(one.clone()),
            Audience::Several(several) => Either::B(several.clone()),
            _ => Either::B(Vec::new()),
        }
    }

    #[napi(getter)]
    pub fn host(&self) -> String {
        self.0.host().to_owned()
    }

    #[napi]
    pub fn dialect(&self) -> Dialect {
        Dialect(self.0.dialect().clone())
    }
}

impl ReceiverSettings<'_> {
    fn build(self) -> sdk::Result<sdk::Receiver> {
        let client = self.client_credentials.map(ClientCredentials::read).transpose()?;
        let credentials = Credentials::one_of(self.bearer, self.authorization, client)
            .ok_or_else(|| invalid("set exactly one of bearer, authorization and clientCredentials"))?;
        let settings = receiver::ReceiverSettings {
            kind: Kind::named(&self.kind),
            address: self.address,
            audience: self.audience.map(audience),
            dialect: self.dialect.map(|dialect| dialect.0.clone()),
            time_unit: self.time_unit,
            subject_shape: self.subject_shape,
            credentials,
            allow_loopback: self.allow_loopback,
            concurrency: self.concurrency.map(|deliveries| deliveries as usize),
            rate_limit: self.rate_limit,
        };
        settings.builder()?.build()
    }
}
