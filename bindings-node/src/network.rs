//! How connections leave this machine.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_bindings::network::NetworkSettings;
use ssf_transmitter::secret::Secret;

/// How connections leave this machine.
#[napi(object, object_to_js = false)]
pub struct Network {
    /// In PEM.
    pub ca_bundles: Vec<Uint8Array>,
    /// The chain of the client's certificate, and its key.
    pub client_certificate: Option<Vec<Uint8Array>>,
    pub proxy: Option<String>,
    pub source_address: Option<String>,
    pub allow_networks: Vec<String>,
    pub http2: bool,
}

impl Network {
    pub(crate) fn read(self) -> ssf_transmitter::Network {
        let settings = NetworkSettings {
            ca_bundles: self.ca_bundles.iter().map(|bundle| bundle.to_vec()).collect(),
            client_certificate: match self.client_certificate.as_deref() {
                Some([chain, key]) => Some((chain.to_vec(), Secret::new(key.to_vec()))),
                _ => None,
            },
            proxy: self.proxy,
            source_address: self.source_address,
            allow_networks: self.allow_networks,
            http2: self.http2,
        };
        settings.network()
    }
}
