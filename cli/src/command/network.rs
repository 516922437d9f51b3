//! How requests leave this machine: the arguments that commands which send share.

use std::{fs, path::PathBuf, time::Duration};

use ssf_transmitter::client::{OktaProvidersBuilder, TransmitterBuilder};

use super::{Failure, Result};

/// A heading of its own, set on each argument: one for the whole struct would go on for those that follow it.
const NETWORK: &str = "Network";

#[derive(clap::Args)]
pub(super) struct Network {
    /// Trust the certificates in this file (PEM) too
    #[arg(long, value_name = "FILE", alias = "ca", help_heading = NETWORK)]
    ca_bundle: Option<PathBuf>,
    /// Send through this HTTP proxy, instead of the one that `HTTPS_PROXY` names
    #[arg(long, value_name = "URL", help_heading = NETWORK)]
    proxy: Option<String>,
    /// Send from this address of this machine, for receivers that allow-list addresses
    #[arg(long, value_name = "ADDRESS", help_heading = NETWORK)]
    source_address: Option<String>,
    /// Allow a private network, such as `10.1.0.0/16`; repeatable
    #[arg(long = "allow-network", value_name = "CIDR", help_heading = NETWORK)]
    networks: Vec<String>,
    /// Allow http to this machine
    #[arg(long, help_heading = NETWORK)]
    pub(super) allow_loopback: bool,
    /// How long to try, all attempts together
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..), help_heading = NETWORK)]
    deadline: Option<u64>,
}

/// What transmitters and Okta's API are built with alike.
pub(super) trait Reaches: Sized {
    fn ca_bundle(self, pem: Vec<u8>) -> Self;
    fn proxy(self, url: &str) -> Self;
    fn source_address(self, address: &str) -> Self;
    fn allow_network(self, network: &str) -> Self;
    fn deadline(self, deadline: Duration) -> Self;
}

macro_rules! reaches {
    ($builder:ty) => {
        impl Reaches for $builder {
            fn ca_bundle(self, pem: Vec<u8>) -> Self {
                <$builder>::ca_bundle(self, pem)
            }
            fn proxy(self, url: &str) -> Self {
                <$builder>::proxy(self, url)
            }
            fn source_address(self, address: &str) -> Self {
                <$builder>::source_address(self, address)
            }
            fn allow_network(self, network: &str) -> Self {
                <$builder>::allow_network(self, network)
            }
            fn deadline(self, deadline: Duration) -> Self {
                <$builder>::deadline(self, deadline)
            }
        }
    };
}

reaches!(TransmitterBuilder);
reaches!(OktaProvidersBuilder);

impl Network {
    /// Sets up a builder.
    pub(super) fn reach<B: Reaches>(&self, mut builder: B) -> Result<B> {
        if let Some(path) = &self.ca_bundle {
            let pem = fs::read(path).map_err(|error| Failure::file(path, &error))?;
            builder = builder.ca_bundle(pem);
        }
        if let Some(url) = &self.proxy {
            builder = builder.proxy(url);
        }
        if let Some(address) = &self.source_address {
            builder = builder.source_address(address);
        }
        if let Some(seconds) = self.deadline {
            builder = builder.deadline(Duration::from_secs(seconds));
        }
        Ok(self.networks.iter().fold(builder, |builder, network| builder.allow_network(network)))
    }
}
