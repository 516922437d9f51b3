//! The security events providers of an Okta org.

use napi_derive::napi;
use ssf_bindings::{
    invalid,
    okta::{self, Operation, OrgCredentials, PartsProblem, ProviderParts},
};
use ssf_transmitter::{ErrorCode, OktaProviders};

use crate::{
    failure::{Failure, Outcome, Result, outcome},
    mailbox::Mailbox,
    network::Network,
    okta_log::received,
    policy::Policy,
    receiver::ClientCredentials,
    records::Provider,
    runtime::runtime,
};

/// How to reach an org.
#[napi(object, object_to_js = false)]
pub struct OrgSettings<'a> {
    pub org: String,
    pub ssws: Option<String>,
    pub bearer: Option<String>,
    pub client_credentials: Option<ClientCredentials<'a>>,
    pub policy: Policy,
    pub network: Network,
    pub allow_loopback: bool,
}

/// What can be set of a provider: either a configuration, or issuer and JWKS. Of a change, what is to be another.
#[napi(object, object_to_js = false)]
#[derive(Default)]
pub struct ProviderInput {
    pub name: Option<String>,
    pub kind: Option<String>,
    pub well_known_url: Option<String>,
    pub issuer: Option<String>,
    pub jwks_url: Option<String>,
}

/// The providers of an org.
#[napi]
pub struct Providers(OktaProviders);

#[napi]
impl Providers {
    #[napi]
    pub fn build(settings: OrgSettings<'_>) -> Outcome<Providers> {
        outcome(settings.build().map(Self))
    }

    /// Looks in the log for a SET, by its text and the time of its answer.
    #[napi]
    pub fn received(
        &self,
        mailbox: &Mailbox,
        number: u32,
        compact: String,
        answered_at: f64,
        deadline: Option<f64>,
    ) -> Outcome<()> {
        mailbox.spawn(number, received(self.0.clone(), compact, answered_at, deadline))
    }

    /// Does `operation` on the provider `id`, or with the `wanted` one, and gives the providers that the answer shows.
    #[napi]
    pub fn call(
        &self,
        mailbox: &Mailbox,
        number: u32,
        operation: String,
        id: Option<String>,
        wanted: Option<ProviderInput>,
    ) -> Outcome<()> {
        let api = self.0.clone();
        match Operation::named(&operation, id.unwrap_or_default(), wanted.map(ProviderInput::parts)) {
            Ok(operation) => mailbox.spawn(number, async move {
                let shown = operation.perform(api).await?;
                Ok(shown.iter().map(Provider::from).collect::<Vec<_>>())
            }),
            Err(problem) => mailbox.spawn::<()>(number, async move { Err(failure(problem)) }),
        }
    }
}

impl Providers {
    pub(crate) fn core(&self) -> &OktaProviders {
        &self.0
    }
}

impl OrgSettings<'_> {
    fn build(self) -> Result<OktaProviders> {
        let client = self.client_credentials.map(ClientCredentials::read).transpose()?;
        let credentials = OrgCredentials::one_of(self.ssws, self.bearer, client)
            .ok_or_else(|| invalid("set exactly one of apiToken, bearer and clientCredentials"))?;
        let settings = okta::OrgSettings {
            org: self.org,
            credentials,
            policy: self.policy.read()?,
            network: self.network.read(),
            allow_loopback: self.allow_loopback,
        };
        // Built inside the runtime, to which the HTTP pool will belong.
        let _inside = runtime()?.enter();
        Ok(settings.build()?)
    }
}

impl ProviderInput {
    fn parts(self) -> ProviderParts {
        let Self { name, kind, well_known_url, issuer, jwks_url } = self;
        ProviderParts { name, kind, well_known_url, issuer, jwks_url }
    }
}

fn failure(problem: PartsProblem) -> Failure {
    let message = match problem {
        PartsProblem::Ambiguous => "set either wellKnownUrl, or issuer and jwksUrl",
        PartsProblem::Incomplete => {
            "a provider has a name, a type, and either a wellKnownUrl, or an issuer and a jwksUrl"
        }
        PartsProblem::NoSuchOperation => return Failure::internal("there is no such call"),
    };
    Failure::of(ErrorCode::ProviderInvalid, message)
}
