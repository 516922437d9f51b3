//! Name resolution behind the egress guard: reqwest connects only to addresses that went through here.

use std::{error::Error, fmt, net::SocketAddr, time::Duration};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;

use super::{guard::Guard, source_address::SourceAddress, transport::CONNECT_TIMEOUT};
use crate::web::is_localhost;

/// How long a name server may take. It ends before the time to connect does, so that the failure names the cause.
const PATIENCE: Duration = CONNECT_TIMEOUT.saturating_sub(Duration::from_millis(500));

/// The system's resolver, with the addresses that the guard permits and the source address reaches.
#[derive(Clone, Debug)]
pub(super) struct GuardedResolver(pub(super) Guard, pub(super) SourceAddress);

/// Why a name leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unreachable {
    Unresolved,
    Forbidden,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unresolved => "the name could not be resolved",
            Self::Forbidden => "the name resolves to forbidden addresses",
        })
    }
}

impl Error for Unreachable {}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, source) = (self.0.clone(), self.1);
        Box::pin(async move {
            let name = name.as_str();
            let found = timeout(PATIENCE, tokio::net::lookup_host((name, 0))).await;
            let found = found.map_err(|_| Unreachable::Unresolved)?.map_err(|_| Unreachable::Unresolved)?;
            let found: Vec<SocketAddr> = found.collect();
            if found.is_empty() {
                return Err(Unreachable::Unresolved.into());
            }
            // `localhost` was judged with its URL: there it is known whether this machine is allowed.
            let permitted = |address: &SocketAddr| guard.permits(address.ip()) || is_localhost(name);
            let permitted: Vec<_> = found.into_iter().filter(permitted).collect();
            if permitted.is_empty() {
                return Err(Unreachable::Forbidden.into());
            }
            let reached = permitted.into_iter().filter(|address| source.reaches(address.ip()));
            let permitted: Vec<_> = reached.collect();
            if permitted.is_empty() {
                return Err(source.of_other_family().into());
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}
