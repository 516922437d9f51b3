//! `ssf configuration`: the transmitter configuration document.

use ssf_transmitter::TransmitterConfiguration;

use super::{Result, pretty, print};

/// Print the transmitter configuration, and where to publish it
///
/// The first line is the URL, the rest is the document. Serve it with the content type `application/json`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The issuer: an https URL, the exact `iss` of your SETs
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// Where your JWKS is published
    #[arg(long, value_name = "URL")]
    jwks_uri: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let configuration = TransmitterConfiguration::new(&arguments.issuer).jwks_uri(&arguments.jwks_uri);
    print(&configuration.url()?)?;
    print(&pretty(&configuration.to_json()?)?)
}
