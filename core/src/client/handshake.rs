//! A TLS handshake alone, to see which version a host speaks: reqwest does not tell.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper_util::rt::TokioIo;
use rustls::{
    AlertDescription, ClientConfig, SignatureScheme, client::ResolvesClientCert, pki_types::ServerName,
    sign::CertifiedKey,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    guard::Guard, source_address::SourceAddress, tls_failure, transport::CONNECT_TIMEOUT, tunnel::Tunnels,
};
use crate::http::{Endpoint, Failure};

/// So long the server may take to refuse a client certificate that it asked for.
const VERDICT: Duration = Duration::from_secs(1);

/// The version of TLS that is agreed on with the host of `endpoint`, by its name in rustls: `TLSv1_2` or `TLSv1_3`.
pub(super) async fn direct(
    config: Arc<ClientConfig>,
    guard: &Guard,
    source: SourceAddress,
    endpoint: &Endpoint,
) -> Result<&'static str, Failure> {
    let port = endpoint.url().port_or_known_default().ok_or(Failure::NotConnected)?;
    let found =
        tokio::net::lookup_host((endpoint.bare_host(), port)).await.map_err(|_| Failure::Unresolved)?;
    let permitted = |address: &SocketAddr| endpoint.is_allowed_loopback() || guard.permits(address.ip());
    let addresses: Vec<_> = found.filter(permitted).collect();
    if addresses.is_empty() {
        return Err(Failure::Forbidden);
    }
    let failed = |error: io::Error| match source.refusal(&error) {
        Some(refusal) => Failure::Refused(refusal.into()),
        None => Failure::NotConnected,
    };
    let stream = source.connect(&addresses).await.map_err(failed)?;
    version(config, endpoint, stream).await
}

/// The same, through the proxy.
pub(super) async fn through_proxy(
    config: Arc<ClientConfig>,
    tunnels: &Tunnels,
    endpoint: &Endpoint,
) -> Result<&'static str, Failure> {
    let to = endpoint.as_str().parse().map_err(|_| Failure::NotConnected)?;
    let stream =
        tunnels.open(&to, CONNECT_TIMEOUT).await.map_err(|refusal| Failure::Refused(refusal.into()))?;
    version(config, endpoint, TokioIo::new(stream)).await
}

async fn version(
    config: Arc<ClientConfig>,
    endpoint: &Endpoint,
    stream: impl AsyncRead + AsyncWrite + Unpin,
) -> Result<&'static str, Failure> {
    let name = ServerName::try_from(endpoint.bare_host().to_owned()).map_err(|_| Failure::Tls)?;
    let asked =
        Arc::new(Asked { inner: config.client_auth_cert_resolver.clone(), asked: AtomicBool::new(false) });
    let mut config = (*config).clone();
    config.client_auth_cert_resolver = asked.clone();
    let identified = asked.has_certs();
    let failed = |error: io::Error| match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        // The alert is ambiguous unless the server requested a client certificate.
        Some(rustls::Error::AlertReceived(AlertDescription::HandshakeFailure)) if asked.was_asked() => {
            let alert = if identified {
                AlertDescription::CertificateUnknown
            } else {
                AlertDescription::CertificateRequired
            };
            let error = rustls::Error::AlertReceived(alert);
            Failure::Refused(tls_failure::refusal(&error, endpoint.host(), identified).into())
        }
        Some(error) => Failure::Refused(tls_failure::refusal(error, endpoint.host(), identified).into()),
        None => Failure::NotConnected,
    };
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(failed)?;
    let version = stream.get_ref().1.protocol_version();
    if version == Some(rustls::ProtocolVersion::TLSv1_3) && asked.was_asked() {
        // In TLS 1.3 the server judges the certificate after our part of the handshake is done: an alert may follow.
        if let Ok(Err(error)) = timeout(VERDICT, stream.read_u8()).await
            && matches!(error.get_ref(), Some(inner) if inner.is::<rustls::Error>())
        {
            return Err(failed(error));
        }
    }
    Ok(if version == Some(rustls::ProtocolVersion::TLSv1_3) { "TLSv1_3" } else { "TLSv1_2" })
}

/// Notes whether the server asks for a client certificate.
#[derive(Debug)]
struct Asked {
    inner: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl Asked {
    fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, hints: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.inner.resolve(hints, schemes)
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}
