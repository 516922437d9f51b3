//! Who calls the stream API.

use crate::{audience::Audience, denial::Denial};

/// What a caller may do: the scopes of the CAEP Interoperability Profile §2.7.2.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Scope {
    /// Reads its streams and their status, and polls: `ssf.read`.
    Read,
    /// Does everything with its streams, reading included: `ssf.manage`.
    Manage,
}

impl Scope {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Read, Self::Manage];

    /// Its name in an access token, such as `ssf.read`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "ssf.read",
            Self::Manage => "ssf.manage",
        }
    }

    /// The scope with this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.as_str() == name)
    }
}

/// A receiver that has proved who it is: its id, the audience of its SETs, and what it may do.
///
/// The host makes one of what it knows after authentication. All streams belong to the receiver with the id, whichever token it
/// shows (SSF 1.0 §8: the authorization ties a receiver to its streams and audiences).
///
/// ```
/// use ssf_transmitter::stream::{Caller, Scope};
///
/// let caller = Caller::new("acme").audience("https://acme.example.com").scope(Scope::Manage);
/// assert!(caller.may(Scope::Read));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Caller {
    receiver: String,
    audience: Option<Audience>,
    scopes: Vec<Scope>,
    dialect: Option<String>,
}

impl Caller {
    /// The receiver with this id, which may do nothing yet. The id is the host's: a client id, a tenant.
    pub fn new(receiver: impl Into<String>) -> Self {
        Self { receiver: receiver.into(), audience: None, scopes: Vec::new(), dialect: None }
    }

    /// Sets the `aud` of the SETs in streams that the caller creates. By default, it is the id of the receiver.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<Audience>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Adds what the caller may do.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scopes.push(scope);
        self
    }

    /// Adds what the caller may do, by the names of scopes. Others than those of [`Scope`] are ignored.
    #[must_use]
    pub fn scopes<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.scopes.extend(names.into_iter().filter_map(Scope::by_name));
        self
    }

    /// Sets the [`Dialect`](crate::Dialect) of the streams that the caller creates, by its id: a built-in one such as `apple`, or one that
    /// the API [was given](super::StreamApiBuilder::dialect). By default, it is `ssf-1.0`.
    #[must_use]
    pub fn dialect(mut self, id: impl Into<String>) -> Self {
        self.dialect = Some(id.into());
        self
    }

    /// The id of the dialect, if one is set.
    pub fn dialect_id(&self) -> Option<&str> {
        self.dialect.as_deref()
    }

    /// The id of the receiver.
    pub fn receiver(&self) -> &str {
        &self.receiver
    }

    /// The `aud` of the SETs in streams that the caller creates.
    pub fn aud(&self) -> Audience {
        self.audience.clone().unwrap_or_else(|| self.receiver.as_str().into())
    }

    /// Whether the caller may do this. [`Scope::Manage`] includes [`Scope::Read`].
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Manage)
    }
}

/// What a server knows of who calls.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Authentication {
    /// The request has no credentials.
    Missing,
    /// Its credentials are not valid: unknown, expired, for another service.
    Invalid,
    /// They are those of this caller.
    Valid(Caller),
    /// The request is turned away, for this reason.
    Denied(Denial),
}

impl From<Denial> for Authentication {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Result<Caller, Denial>> for Authentication {
    fn from(found: Result<Caller, Denial>) -> Self {
        found.map_or_else(Self::Denied, Self::Valid)
    }
}

impl From<Caller> for Authentication {
    fn from(caller: Caller) -> Self {
        Self::Valid(caller)
    }
}

impl From<Option<Caller>> for Authentication {
    fn from(caller: Option<Caller>) -> Self {
        caller.map_or(Self::Missing, Self::Valid)
    }
}
