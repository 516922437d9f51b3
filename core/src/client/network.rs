//! How connections leave this machine: the settings that transmitters and Okta's API share.

use std::fmt;

use super::{guard::Guard, tls, trust::TrustStore};
use crate::{
    error::{Error, ErrorCode, Result},
    http::Endpoint,
    secret::Secret,
};

/// Network settings: whom connections trust, through which proxy and from which address they go, and which
/// networks they may reach. One value serves any number of transmitters and [`OktaProviders`](crate::OktaProviders).
///
/// The default trusts the certificate authorities of the operating system and of the environment (`SSL_CERT_FILE`,
/// `SSL_CERT_DIR`, `NODE_EXTRA_CA_CERTS`, `REQUESTS_CA_BUNDLE`), uses the proxy of the environment (`HTTPS_PROXY`,
/// `ALL_PROXY`, except for `NO_PROXY`) or of the operating system, offers HTTP/2, and reaches public addresses only.
///
/// Errors surface when the transmitter is built.
///
/// ```
/// use ssf_transmitter::{KeyType, Network, SigningKey, Transmitter};
///
/// let network = Network::new().proxy("http://proxy.example.com:3128").allow_network("10.1.0.0/16");
/// let key = SigningKey::generate(KeyType::P256)?;
/// let transmitter = Transmitter::builder("https://edr.example.com", key).network(network).build()?;
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Network {
    pub(super) trust: Trust,
    pub(super) allowed: Vec<String>,
    pub(super) proxy: Option<String>,
    pub(super) source_address: Option<String>,
}

/// Whom to trust, and who we are.
#[derive(Clone, Default)]
pub(super) struct Trust {
    /// CA bundles (PEM), in addition to what the environment and the operating system trust.
    pub(super) extra_roots: Vec<Vec<u8>>,
    /// A client certificate with its chain, and its private key (PEM), for mutual TLS (RFC 8705).
    pub(super) identity: Option<(Vec<u8>, Secret<Vec<u8>>)>,
    /// Does not offer HTTP/2.
    pub(super) http1_only: bool,
}

impl Network {
    /// The default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates of a CA bundle (PEM) as well. Repeatable.
    pub fn ca_bundle(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.trust.extra_roots.push(pem.into());
        self
    }

    /// Presents a client certificate (mutual TLS, RFC 8705): the certificate with its chain, and its private key, in PEM.
    pub fn client_certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.trust.identity = Some((chain.into(), Secret::new(key.into())));
        self
    }

    /// Sends through an HTTP proxy, such as `http://proxy.example.com:3128`, with user name and password in the URL if it
    /// requires them. The proxy may be at any address, and resolves names itself: the egress guard then sees only addresses
    /// that URLs contain. Connections to this machine bypass it.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Sends from this address of this machine, for receivers that allow-list addresses: every connection to receivers, token
    /// endpoints and proxies leaves from it. Hosts need an address of the same family. A NAT or a proxy may change what the
    /// receiver sees.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, KeyType, Network, SigningKey, Transmitter};
    ///
    /// let key = SigningKey::generate(KeyType::P256)?;
    /// let builder = Transmitter::builder("https://edr.example.com", key);
    /// let error = builder.network(Network::new().source_address("192.0.2.7:443")).build().unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::SourceAddressInvalid);
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    #[allow(clippy::needless_pass_by_value, reason = "an address is a value")]
    pub fn source_address(mut self, address: impl ToString) -> Self {
        self.source_address = Some(address.to_string());
        self
    }

    /// Disables HTTP/2, for receivers whose HTTP/2 is unreliable.
    pub fn http1_only(mut self) -> Self {
        self.trust.http1_only = true;
        self
    }

    /// The TLS settings alone, for a protocol other than HTTP: a store uses them for its database.
    #[doc(hidden)]
    pub fn tls_config(&self) -> Result<rustls::ClientConfig> {
        let mut config = tls::config(&self.trust, &TrustStore::new(&self.trust.extra_roots)?)?;
        config.alpn_protocols.clear();
        Ok(config)
    }

    /// Judges a URL before it is kept, such as the push endpoint of a stream: https, and no address that the egress guard refuses. A
    /// name is judged where it is resolved, each time a connection is made.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, Network};
    ///
    /// let network = Network::new();
    /// assert!(network.check_endpoint("https://receiver.example.com/events").is_ok());
    /// let error = network.check_endpoint("https://169.254.169.254/events").unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::AddressForbidden);
    /// ```
    pub fn check_endpoint(&self, url: &str) -> Result<()> {
        let endpoint = Endpoint::parse(url, false)?;
        let mut guard = Guard::default();
        self.allowed.iter().try_for_each(|network| guard.allow(network))?;
        if guard.permits_endpoint(&endpoint) {
            return Ok(());
        }
        let message = format!("{} has a forbidden address", endpoint.host());
        Err(Error::new(ErrorCode::AddressForbidden, message))
    }

    /// Opens the egress guard for a network, such as `10.1.0.0/16`, or one address. Repeatable.
    ///
    /// The guard refuses private, link-local and metadata addresses after names are resolved: URLs of receivers and token
    /// endpoints often come from customers, and must not lead into the sender's own network.
    pub fn allow_network(mut self, network: impl Into<String>) -> Self {
        self.allowed.push(network.into());
        self
    }
}

/// Proxy URLs may contain a password: only what cannot be secret is shown.
impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Network")
            .field("source_address", &self.source_address)
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}
