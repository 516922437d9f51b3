//! A TLS handshake alone, to see which version a host speaks: reqwest does not tell.

use std::sync::Arc;

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::guard::Guard;
use crate::http::{Endpoint, Failure};

/// The version of TLS that is agreed on with the host of `endpoint`, by its name in rustls: `TLSv1_2` or `TLSv1_3`.
pub(super) async fn tls_version(
    config: Arc<ClientConfig>,
    guard: &Guard,
    endpoint: &Endpoint,
) -> Result<&'static str, Failure> {
    let port = endpoint.url().port_or_known_default().ok_or(Failure::NotConnected)?;
    let host = endpoint.host().trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(|_| Failure::Tls)?;
    let found = tokio::net::lookup_host((host, port)).await.map_err(|_| Failure::Unresolved)?;
    let permitted =
        |address: &std::net::SocketAddr| endpoint.is_allowed_loopback() || guard.permits(address.ip());
    let addresses: Vec<_> = found.filter(permitted).collect();
    if addresses.is_empty() {
        return Err(Failure::Forbidden);
    }
    let stream = TcpStream::connect(&*addresses).await.map_err(|_| Failure::NotConnected)?;
    let stream = TlsConnector::from(config).connect(name, stream).await.map_err(|_| Failure::Tls)?;
    match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => Ok("TLSv1_3"),
        _ => Ok("TLSv1_2"),
    }
}
