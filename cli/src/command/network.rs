//! How requests leave this machine: the arguments that commands which send share.

use std::{fs, path::PathBuf, time::Duration};

use super::{Failure, Result};

/// A heading of its own, set on each argument: one for the whole struct would go on for those that follow it.
const NETWORK: &str = "Network";

#[derive(clap::Args)]
pub(super) struct Network {
    /// Also trust the CA certificates in this file (PEM)
    #[arg(long, value_name = "FILE", alias = "ca", help_heading = NETWORK, hide_short_help = true)]
    ca_bundle: Option<PathBuf>,
    /// Use this HTTP proxy instead of the one in `HTTPS_PROXY`
    #[arg(long, value_name = "URL", help_heading = NETWORK, hide_short_help = true)]
    proxy: Option<String>,
    /// Send from this address of this machine, for receivers that allow-list addresses
    #[arg(long, value_name = "ADDRESS", help_heading = NETWORK, hide_short_help = true)]
    source_address: Option<String>,
    /// Allow a private network, such as `10.1.0.0/16`; repeatable
    #[arg(long = "allow-network", value_name = "CIDR", help_heading = NETWORK, hide_short_help = true)]
    networks: Vec<String>,
    /// Allow http to this machine
    #[arg(long, help_heading = NETWORK)]
    pub(super) allow_loopback: bool,
    /// The deadline for all attempts together
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..), help_heading = NETWORK, hide_short_help = true)]
    deadline: Option<u64>,
}

impl Network {
    /// The settings of the library.
    pub(super) fn settings(&self) -> Result<ssf_transmitter::Network> {
        self.add_to(ssf_transmitter::Network::new())
    }

    /// Adds them to others, which they replace.
    pub(super) fn add_to(&self, mut network: ssf_transmitter::Network) -> Result<ssf_transmitter::Network> {
        if let Some(path) = &self.ca_bundle {
            let pem = fs::read(path).map_err(|error| Failure::file(path, &error))?;
            network = network.ca_bundle(pem);
        }
        if let Some(url) = &self.proxy {
            network = network.proxy(url);
        }
        if let Some(address) = &self.source_address {
            network = network.source_address(address);
        }
        Ok(self.networks.iter().fold(network, ssf_transmitter::Network::allow_network))
    }

    /// How long to try, if it was given.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.deadline.map(Duration::from_secs)
    }
}

/// The certificate that this machine presents in mutual TLS.
#[derive(clap::Args)]
pub(super) struct Certificate {
    /// Use this client certificate (PEM) for mutual TLS
    #[arg(long, value_name = "FILE", requires = "client_key", help_heading = NETWORK, hide_short_help = true)]
    client_certificate: Option<PathBuf>,
    /// The private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "client_certificate", help_heading = NETWORK, hide_short_help = true)]
    client_key: Option<PathBuf>,
}

impl Certificate {
    /// Whether there is one.
    pub(super) fn is_given(&self) -> bool {
        self.client_certificate.is_some()
    }

    /// Adds it to the settings.
    pub(super) fn add_to(&self, network: ssf_transmitter::Network) -> Result<ssf_transmitter::Network> {
        let Some((chain, key)) = self.client_certificate.as_ref().zip(self.client_key.as_ref()) else {
            return Ok(network);
        };
        let read = |path: &PathBuf| fs::read(path).map_err(|error| Failure::file(path, &error));
        Ok(network.client_certificate(read(chain)?, read(key)?))
    }
}
