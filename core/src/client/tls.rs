//! TLS: the one file that chooses provider, versions and the client's own certificate.

use std::sync::Arc;

use rustls::{ClientConfig, crypto::ring};

use super::{network::Trust, pem, trust::TrustStore};
use crate::error::{Error, ErrorCode, Result};

/// Names of the protocols over TLS (RFC 7301, RFC 9113 §3.1).
const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// TLS 1.2 and 1.3 with ring.
pub(super) fn config(trust: &Trust, store: &TrustStore) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let verifier = store.verifier(provider.clone())?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS 1.2 and 1.3 are available").because(error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &trust.identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let unusable = |message: String| Error::new(ErrorCode::ClientCertificateInvalid, message);
            let chain = pem::certificates(chain, "the client certificate").map_err(unusable)?;
            let key =
                pem::private_key(key.expose(), "the key of the client certificate").map_err(unusable)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                let why = match error {
                    rustls::Error::InconsistentKeys(_) => {
                        "the key does not match the client certificate".to_owned()
                    }
                    _ => format!("the client certificate cannot be used ({error})"),
                };
                unusable(why).because(error)
            })?
        }
    };
    config.alpn_protocols =
        if trust.http1_only { vec![HTTP1.to_vec()] } else { vec![HTTP2.to_vec(), HTTP1.to_vec()] };
    Ok(config)
}
