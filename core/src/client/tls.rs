//! TLS: the one file that chooses provider and trust.

use std::sync::Arc;

use rustls::{ClientConfig, crypto::ring, pki_types::CertificateDer, pki_types::pem::PemObject as _};
use rustls_platform_verifier::Verifier;

use crate::error::{Error, ErrorCode, Result};

/// TLS 1.2 and 1.3 with ring, trusting what the operating system trusts and the certificates of `extra_roots` (PEM).
pub(super) fn config(extra_roots: &[Vec<u8>]) -> Result<ClientConfig> {
    let unusable = |message: &str| Error::new(ErrorCode::ConfigurationInvalid, message);
    let provider = Arc::new(ring::default_provider());

    let mut roots = Vec::new();
    for pem in extra_roots {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.push(certificate.map_err(|error| unusable("the CA bundle is no PEM").because(error))?);
        }
        if roots.len() == before {
            return Err(unusable("the CA bundle holds no certificate in PEM"));
        }
    }
    let verifier = Verifier::new_with_extra_roots(roots, provider.clone()).map_err(|error| {
        let message = "the operating system gives no certificates to trust; install its CA certificates";
        unusable(message).because(error)
    })?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS 1.2 and 1.3 are there").because(error))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
