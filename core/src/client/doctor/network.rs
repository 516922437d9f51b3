//! The way to the receiver: proxy, trusted authorities, TLS.

use std::time::Duration;

use super::{Check, timed};
use crate::{client::transport::Transport, delivery::Target, http::Endpoint};

/// Which proxy requests go through, and what that means for the egress guard.
pub(super) fn proxy(transport: &Transport, endpoint: &Endpoint) -> Check {
    const ID: &str = "proxy";
    match transport.proxy(endpoint) {
        None => Check::skipped(ID, format!("requests to {} use no proxy", endpoint.host())),
        Some(proxy) => Check::passed(
            ID,
            format!(
                "requests to {} go through {proxy}; it resolves host names itself, so that only addresses written in URLs are \
                 checked against private networks",
                endpoint.host()
            ),
        ),
    }
}

/// Which address of this machine the receiver, or the proxy, is reached from.
pub(super) async fn source(transport: &Transport, target: &Target, limit: Duration) -> Check {
    const ID: &str = "source-address";
    let look = tokio::time::timeout(limit, transport.local_address(target.endpoint()));
    let (found, duration) = timed(look).await;
    let Ok(Some(address)) = found else {
        return Check::skipped(ID, "no route to the receiver, so the source address is unknown")
            .took(duration);
    };
    let by = match transport.source_address() {
        Some(_) => "as `source_address` says",
        None => "which the operating system chooses",
    };
    let beyond = match transport.proxy(target.endpoint()) {
        Some(_) => "the receiver sees an address of the proxy",
        None => "the receiver may see another address, because of NAT",
    };
    Check::passed(ID, format!("connections leave from {address}, {by}; {beyond}")).took(duration)
}

/// Which certificate authorities are trusted, and who said so.
pub(super) fn trust(transport: &Transport) -> Check {
    Check::passed("trust-store", format!("trusted certificate authorities: {}", transport.trust()))
}

/// Which version of TLS the receiver speaks.
pub(super) async fn tls(transport: &Transport, target: &Target, limit: Duration) -> Check {
    const ID: &str = "tls-version";
    if !target.endpoint().is_https() {
        return Check::skipped(ID, "the receiver is a loopback host over plain http");
    }
    let (version, duration) =
        timed(tokio::time::timeout(limit, transport.tls_version(target.endpoint()))).await;
    let check = match version {
        Ok(Ok("TLSv1_3")) => Check::passed(ID, format!("{} speaks TLS 1.3", target.host())),
        Ok(Ok(_)) => Check::passed(ID, format!("{} speaks TLS 1.2", target.host())),
        Ok(Err(failure)) => Check::failed(ID, failure.describe(target.host()), failure.code().remedy()),
        Err(_) => Check::failed(ID, format!("{} did not answer in time", target.host()), ""),
    };
    check.took(duration)
}
