//! Receivers, their dialects, and credentials for access tokens.

use napi::bindgen_prelude::{ClassInstance, Either};
use napi_derive::napi;
use ssf_transmitter::{
    self as sdk, ErrorCode,
    set::Audience,
    token::{Authorization, ClientAuthentication},
};

use crate::{
    failure::{Failure, Outcome, Result, outcome},
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

/// What one kind of receiver wants of a SET.
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

/// Client credentials, and the endpoint that gives access tokens for them.
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
    pub(crate) fn core(self) -> Result<sdk::token::ClientCredentials> {
        use sdk::token::ClientCredentials as Credentials;
        let mut credentials = match (self.client_secret, self.key) {
            (Some(secret), None) => Credentials::new(self.token_url, self.client_id, secret),
            (None, Some(key)) => Credentials::with_key(self.token_url, self.client_id, key.0.clone()),
            _ => {
                let message = "client credentials have either a clientSecret or a key";
                return Err(Failure::of(ErrorCode::ConfigurationInvalid, message));
            }
        };
        if self.in_body {
            credentials = credentials.authentication(ClientAuthentication::Body);
        }
        for pair in self.parameters.chunks_exact(2) {
            credentials = credentials.parameter(pair[0].as_str(), pair[1].as_str());
        }
        Ok(credentials)
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
        outcome(settings.core().map(Self))
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
    fn core(self) -> Result<sdk::Receiver> {
        let invalid = |message: &str| Failure::of(ErrorCode::ConfigurationInvalid, message);
        let mut builder = match (self.kind.as_str(), self.audience.map(audience)) {
            ("okta", None) => sdk::Receiver::okta(self.address),
            ("okta", Some(audience)) => sdk::Receiver::okta(self.address).audience(audience),
            ("govuk-one-login", Some(audience)) => sdk::Receiver::govuk_one_login(self.address, audience),
            (_, Some(audience)) => sdk::Receiver::builder(self.address, audience),
            (_, None) => return Err(invalid("a receiver needs an audience")),
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
        builder = match (self.bearer, self.authorization, self.client_credentials) {
            (None, None, None) => builder,
            (Some(token), None, None) => builder.bearer(token),
            (None, Some(value), None) => builder.authorization(Authorization::Header(value.into())),
            (None, None, Some(credentials)) => builder.client_credentials(credentials.core()?),
            _ => return Err(invalid("give one of bearer, authorization and clientCredentials")),
        };
        if self.allow_loopback {
            builder = builder.allow_loopback();
        }
        if let Some(deliveries) = self.concurrency {
            builder = builder.concurrency(deliveries as usize);
        }
        if let Some(rate) = self.rate_limit {
            builder = builder.rate_limit(rate);
        }
        Ok(builder.build()?)
    }
}
