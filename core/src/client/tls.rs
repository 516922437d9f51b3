//! TLS: the one file that chooses provider, trust and the client's own certificate.

use std::sync::Arc;

use rustls::{
    ClientConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::{
    error::{Error, ErrorCode, Result},
    secret::Secret,
};

/// Whom to trust, and who we are.
#[derive(Default)]
pub(super) struct Trust {
    /// CA bundles (PEM), beside what the operating system trusts.
    pub(super) extra_roots: Vec<Vec<u8>>,
    /// A client certificate with its chain, and its private key (PEM), for mutual TLS (RFC 8705).
    pub(super) identity: Option<(Vec<u8>, Secret<Vec<u8>>)>,
    /// Does not offer HTTP/2.
    pub(super) http1_only: bool,
}

/// Names of the protocols over TLS (RFC 7301, RFC 9113 §3.1).
const HTTP1: &[u8] = b"http/1.1";
const HTTP2: &[u8] = b"h2";

/// TLS 1.2 and 1.3 with ring, trusting what the operating system trusts and more.
pub(super) fn config(trust: &Trust) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = Vec::new();
    for pem in &trust.extra_roots {
        roots.extend(certificates(pem, "the CA bundle")?);
    }
    let verifier = Verifier::new_with_extra_roots(roots, provider.clone()).map_err(|error| {
        unusable("the operating system gives no certificates to trust; install its CA certificates")
            .because(error)
    })?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS 1.2 and 1.3 are there").because(error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &trust.identity {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = certificates(chain, "the client certificate")?;
            let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| {
                unusable("the key of the client certificate is no private key in PEM, or is encrypted")
            })?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                unusable("the client certificate and its key cannot be used together").because(error)
            })?
        }
    };
    config.alpn_protocols =
        if trust.http1_only { vec![HTTP1.to_vec()] } else { vec![HTTP2.to_vec(), HTTP1.to_vec()] };
    Ok(config)
}

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unusable(&format!("{what} holds no certificate in PEM"))),
        Err(error) => Err(unusable(&format!("{what} is no PEM")).because(error)),
    }
}

fn unusable(message: &str) -> Error {
    Error::new(ErrorCode::ConfigurationInvalid, message)
}
