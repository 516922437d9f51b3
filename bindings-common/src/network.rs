//! How connections leave this machine.

use ssf_transmitter::{Network, secret::Secret};

use crate::set;

/// The settings of a [`Network`].
#[derive(Clone)]
pub struct NetworkSettings {
    /// In PEM.
    pub ca_bundles: Vec<Vec<u8>>,
    /// The chain and the private key, in PEM.
    pub client_certificate: Option<(Vec<u8>, Secret<Vec<u8>>)>,
    /// The URL of a proxy.
    pub proxy: Option<String>,
    /// An address of this machine.
    pub source_address: Option<String>,
    /// Networks that the egress guard lets through.
    pub allow_networks: Vec<String>,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
}

impl NetworkSettings {
    /// The value of the core.
    pub fn network(self) -> Network {
        let network = self.ca_bundles.into_iter().fold(Network::new(), Network::ca_bundle);
        let network = set(network, self.client_certificate, |network, (chain, key)| {
            network.client_certificate(chain, key.expose().as_slice())
        });
        let network = set(network, self.proxy, Network::proxy);
        let network = set(network, self.source_address, Network::source_address);
        let network = if self.http2 { network } else { network.http1_only() };
        self.allow_networks.into_iter().fold(network, Network::allow_network)
    }
}
