//! How connections leave this machine.

use ssf_bindings::network::NetworkSettings;
use ssf_transmitter::secret::Secret;

/// How connections leave this machine.
#[derive(uniffi::Record)]
pub struct Network {
    /// In PEM.
    pub ca_bundles: Vec<Vec<u8>>,
    pub client_certificate: Option<ClientCertificate>,
    pub proxy: Option<String>,
    pub source_address: Option<String>,
    pub allow_networks: Vec<String>,
    pub http2: bool,
}

/// The chain of the client's certificate and its key, in PEM.
#[derive(uniffi::Record)]
pub struct ClientCertificate {
    pub chain: Vec<u8>,
    pub key: Vec<u8>,
}

impl Network {
    pub(crate) fn read(self) -> ssf_transmitter::Network {
        let certificate = self.client_certificate;
        let settings = NetworkSettings {
            ca_bundles: self.ca_bundles,
            client_certificate: certificate.map(|identity| (identity.chain, Secret::new(identity.key))),
            proxy: self.proxy,
            source_address: self.source_address,
            allow_networks: self.allow_networks,
            http2: self.http2,
        };
        settings.network()
    }
}
