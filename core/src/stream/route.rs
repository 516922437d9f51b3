//! Which operation a request asks for.

use super::{Head, ProtectedResource, Scope, problem::Problem};
use crate::{
    error::{Error, ErrorCode, Result},
    http::Endpoint,
    metadata::located,
};

/// A body of the management API is read up to this length, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// A poll may acknowledge many SETs.
const MAX_POLL: usize = 512 * 1024;

/// Where everything is.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    /// The URL of the API, without a trailing slash.
    base: String,
    /// Those of the API and of the issuer.
    hosts: [String; 2],
    path: String,
    metadata: String,
    legacy: String,
    resource: Option<String>,
}

/// What a request asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    Metadata,
    ProtectedResource,
    Jwks,
    Create,
    Read,
    Update,
    Replace,
    Delete,
    ReadStatus,
    UpdateStatus,
    AddSubject,
    RemoveSubject,
    Verify,
    /// A poll of the stream with this id.
    Poll(String),
}

impl Operation {
    /// The scope that a caller needs; `None` for what everybody may read.
    ///
    /// A poll needs only [`Scope::Read`]: the receiver fetches its own events and manages nothing.
    pub(super) fn scope(&self) -> Option<Scope> {
        match self {
            Self::Metadata | Self::ProtectedResource | Self::Jwks => None,
            Self::Read | Self::ReadStatus | Self::Poll(_) => Some(Scope::Read),
            _ => Some(Scope::Manage),
        }
    }

    /// How many bytes of a body are read.
    pub(super) fn max_body(&self) -> usize {
        match self {
            Self::Metadata | Self::ProtectedResource | Self::Jwks | Self::Read | Self::ReadStatus => 0,
            Self::Poll(_) => MAX_POLL,
            _ => MAX_BODY,
        }
    }

    /// What logs call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Metadata => "metadata.read",
            Self::ProtectedResource => "resource.read",
            Self::Jwks => "jwks.read",
            Self::Create => "stream.create",
            Self::Read => "stream.read",
            Self::Update => "stream.update",
            Self::Replace => "stream.replace",
            Self::Delete => "stream.delete",
            Self::ReadStatus => "status.read",
            Self::UpdateStatus => "status.update",
            Self::AddSubject => "subject.add",
            Self::RemoveSubject => "subject.remove",
            Self::Verify => "stream.verify",
            Self::Poll(_) => "stream.poll",
        }
    }

    /// What an audit log calls it; `None` if it changes nothing.
    pub(super) fn action(&self) -> Option<&'static str> {
        (self.scope() == Some(Scope::Manage)).then(|| self.name())
    }
}

impl Routes {
    pub(super) fn new(
        issuer: &str,
        base: &str,
        resource: Option<&ProtectedResource>,
        loopback: bool,
    ) -> Result<Self> {
        let base = base.strip_suffix('/').unwrap_or(base);
        let endpoint = Endpoint::parse(base, loopback).map_err(|error| error.at("/base_url"))?;
        let url = endpoint.url();
        if url.query().is_some() {
            let error = Error::new(ErrorCode::EndpointInvalid, "the URL of the API has a query");
            return Err(error.at("/base_url"));
        }
        let path =
            |url: &str| Endpoint::parse(url, loopback).map(|endpoint| endpoint.url().path().to_owned());
        Ok(Self {
            hosts: [host(&endpoint), host(&Endpoint::parse(issuer, loopback)?)],
            path: url.path().trim_end_matches('/').to_owned(),
            metadata: path(&located(issuer, "ssf-configuration", loopback)?)?,
            resource: resource.map(|resource| path(&resource.url)).transpose()?,
            legacy: path(&located(issuer, "risc-configuration", loopback)?)?,
            base: base.to_owned(),
        })
    }

    /// The URL of a part of the API.
    pub(super) fn url(&self, part: &str) -> String {
        format!("{}/{part}", self.base)
    }

    /// Where a receiver polls a stream.
    pub(super) fn poll_url(&self, stream: &str) -> String {
        self.url(&format!("poll/{stream}"))
    }

    /// Whether a URL is on the host of the API, or of the issuer.
    pub(super) fn is_own(&self, endpoint: &Endpoint) -> bool {
        self.hosts.contains(&host(endpoint))
    }

    /// What a request asks for.
    pub(super) fn find(&self, head: &Head) -> Result<Operation, Problem> {
        let methods = self.methods(head.path()).ok_or_else(Problem::no_such_path)?;
        let found = methods.operations.into_iter().find(|(method, _)| *method == head.method());
        found.map(|(_, operation)| operation).ok_or(Problem::method(methods.allow))
    }

    /// Whether there is something at this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.methods(path).is_some()
    }

    fn methods(&self, path: &str) -> Option<Methods> {
        if path == self.metadata || path == self.legacy {
            return Some(Methods::reading(Operation::Metadata));
        }
        if self.resource.as_deref() == Some(path) {
            return Some(Methods::reading(Operation::ProtectedResource));
        }
        let part = path.strip_prefix(&self.path)?.strip_prefix('/')?;
        let methods = match part {
            "jwks.json" => Methods::reading(Operation::Jwks),
            "streams" => Methods {
                allow: "GET, POST, PATCH, PUT, DELETE",
                operations: vec![
                    ("GET", Operation::Read),
                    ("POST", Operation::Create),
                    ("PATCH", Operation::Update),
                    ("PUT", Operation::Replace),
                    ("DELETE", Operation::Delete),
                ],
            },
            "status" => Methods {
                allow: "GET, POST",
                operations: vec![("GET", Operation::ReadStatus), ("POST", Operation::UpdateStatus)],
            },
            "subjects:add" => Methods::posting(Operation::AddSubject),
            "subjects:remove" => Methods::posting(Operation::RemoveSubject),
            "verify" => Methods::posting(Operation::Verify),
            other => Methods::posting(Operation::Poll(other.strip_prefix("poll/")?.to_owned())),
        };
        Some(methods)
    }
}

/// The host of a URL, in one spelling: with a dot at its end, it is the same (RFC 1034 §3.1).
fn host(endpoint: &Endpoint) -> String {
    endpoint.host().trim_end_matches('.').to_owned()
}

struct Methods {
    allow: &'static str,
    operations: Vec<(&'static str, Operation)>,
}

impl Methods {
    fn reading(operation: Operation) -> Self {
        Self { allow: "GET, HEAD", operations: vec![("GET", operation.clone()), ("HEAD", operation)] }
    }

    fn posting(operation: Operation) -> Self {
        Self { allow: "POST", operations: vec![("POST", operation)] }
    }
}
