//! `ssf jwks`: the public keys as a JWKS.

use ssf_transmitter::Jwks;

use super::{Failure, Result, input, pretty, print};

/// Print the JWKS to publish
///
/// It contains only public keys. Serve it at your `jwks_uri` with the content type
/// `application/json`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    keys: input::Keys,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let keys = arguments.keys.read()?;
    if keys.is_empty() {
        return Err(Failure::usage("--key is needed"));
    }
    let jwks = Jwks::new(keys.iter().map(|key| key.public_key().clone()))?;
    print(&pretty(&jwks.to_json())?)
}
