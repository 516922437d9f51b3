//! Why an emulator did not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why an emulator did not start.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Configuration(String),
    Listen(SocketAddr, io::Error),
    Client(Box<dyn std::error::Error + Send + Sync>),
    Tls(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The configuration contradicts itself or asks for something the emulator does not do.
    pub fn is_configuration(&self) -> bool {
        matches!(self.kind, Kind::Configuration(_))
    }

    /// The address could not be listened on.
    pub fn is_listen(&self) -> bool {
        matches!(self.kind, Kind::Listen(..))
    }

    pub(crate) fn configuration(text: impl Into<String>) -> Self {
        Self { kind: Kind::Configuration(text.into()) }
    }

    pub(crate) fn listen(address: SocketAddr, error: io::Error) -> Self {
        Self { kind: Kind::Listen(address, error) }
    }

    pub(crate) fn client(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Client(error.into()) }
    }

    pub(crate) fn tls(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: Kind::Tls(error.into()) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Configuration(text) => f.write_str(text),
            Kind::Listen(address, error) => write!(f, "cannot listen on {address}: {error}"),
            Kind::Client(error) => write!(f, "cannot set up the client that fetches keys: {error}"),
            Kind::Tls(error) => write!(f, "cannot set up TLS: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            Kind::Configuration(_) => None,
            Kind::Listen(_, error) => Some(error),
            Kind::Client(error) | Kind::Tls(error) => Some(&**error),
        }
    }
}
