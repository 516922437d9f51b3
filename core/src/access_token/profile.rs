//! How an authorization server writes access tokens, as data.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use serde::Deserialize;

use crate::{
    error::{Error, ErrorCode, Result},
    near,
};

static BUILT_IN: LazyLock<Vec<TokenProfile>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct File {
        profile: Vec<TokenProfile>,
    }
    let text = include_str!("../../catalogue/access_tokens.toml");
    #[allow(clippy::expect_used, reason = "the text is compiled in, and a test reads it")]
    toml::from_str::<File>(text).expect("the built-in profiles can be read").profile
});

/// How one kind of authorization server writes access tokens: the names of claims, and what tells access tokens from its
/// other tokens.
///
/// ```
/// use ssf_transmitter::access_token::TokenProfile;
///
/// // Okta, but with the client id in a claim of our own.
/// let profile = TokenProfile::built_in("okta")?.client_claims(["tenant_client"]);
/// assert_eq!(profile.id(), "okta");
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenProfile {
    id: String,
    #[serde(rename = "source")]
    _source: String,
    types: Vec<String>,
    pub(super) client: Vec<String>,
    pub(super) scope: Vec<String>,
    pub(super) required: Vec<String>,
    pub(super) fixed: BTreeMap<String, String>,
    pub(super) forbidden: Vec<String>,
    #[serde(rename = "audience")]
    pub(super) needs_audience: bool,
    lifetime: u64,
}

impl TokenProfile {
    /// The ids of the built-in profiles.
    pub fn ids() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|profile| profile.id.as_str())
    }

    /// The built-in profile with this id: `rfc9068`, `okta`, `auth0`, `entra-id`, `keycloak` or `cognito`.
    ///
    /// An unknown id is `configuration_invalid`.
    pub fn built_in(id: &str) -> Result<Self> {
        BUILT_IN.iter().find(|profile| profile.id == id).cloned().ok_or_else(|| {
            let known: Vec<_> = Self::ids().collect();
            let message = format!("unknown profile of access tokens{}", near::suggestion(id, known));
            Error::new(ErrorCode::ConfigurationInvalid, message)
        })
    }

    /// A profile by an id that the catalogue has.
    pub(super) fn known(id: &str) -> Self {
        #[allow(clippy::expect_used, reason = "the ids are those of this crate")]
        BUILT_IN.iter().find(|profile| profile.id == id).cloned().expect("a built-in profile")
    }

    /// Sets the claims with the client id. The first that a token has counts.
    pub fn client_claims(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.client = names.into_iter().map(Into::into).collect();
        let required = std::mem::take(&mut self.required);
        self.required = required.into_iter().filter(|name| name != "client_id" && name != "cid").collect();
        self
    }

    /// Sets the claims with scopes: strings with spaces, or lists. All that a token has count.
    pub fn scope_claims(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scope = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the accepted values of `typ` in the header; an empty one stands for a header without `typ`.
    pub fn types(mut self, types: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.types = types.into_iter().map(|name| canonical(&name.into())).collect();
        self
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The longest lifetime of a token that is accepted unless the settings of the issuer say otherwise.
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime)
    }

    /// Whether access tokens have this `typ`.
    pub(super) fn has_type(&self, typ: Option<&str>) -> bool {
        let typ = canonical(typ.unwrap_or_default());
        self.types.contains(&typ)
    }
}

/// A media type as `typ` has it: without `application/`, in lower case (RFC 7515 §4.1.9).
fn canonical(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    lower
        .strip_prefix("application/")
        .filter(|rest| !rest.contains('/'))
        .map_or_else(|| lower.clone(), str::to_owned)
}
