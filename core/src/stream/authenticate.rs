//! What finds out who calls.

use super::{Caller, Head, Scope};
use crate::{
    denial::{Denial, DenialReason},
    key::BoxFuture,
};

/// Finds out who sends a request, by its head: what [`StreamApi::admit`](super::StreamApi::admit) asks. The
/// [`Authenticator`](crate::client::Authenticator) is one.
pub trait Authenticate: Send + Sync {
    /// Who sends the request with this head, or why it is turned away.
    fn authenticate<'a>(&'a self, head: &'a Head) -> BoxFuture<'a, Result<Caller, Denial>>;

    /// Why a caller is turned away that lacks this scope. By default, the denial names the scope.
    fn scope_required(&self, scope: Scope) -> Denial {
        Denial::new(DenialReason::ScopeInsufficient).with_scope(scope.as_str())
    }

    /// The protected resource metadata, which the API serves and challenges name; none by default.
    fn protected_resource(&self) -> Option<ProtectedResource> {
        None
    }
}

/// Protected resource metadata: where receivers get their tokens (RFC 9728).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProtectedResource {
    pub(super) url: String,
    pub(super) document: String,
}

impl ProtectedResource {
    /// The URL where receivers find the document, and the document in JSON.
    pub fn new(url: impl Into<String>, document: impl Into<String>) -> Self {
        Self { url: url.into(), document: document.into() }
    }
}
