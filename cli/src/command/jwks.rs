//! `ssf jwks`: the public keys as a JWKS.

use std::path::PathBuf;

use ssf_transmitter::Jwks;

use super::{Result, input, pretty, print};

/// Print the JWKS to publish
///
/// It holds the public halves of the keys, never a private member. Serve it at your `jwks_uri` with the content type
/// `application/json`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A private key: PEM, DER, JWK or JWKS; repeatable
    #[arg(long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let keys: Vec<_> = arguments.keys.iter().map(|path| input::key(path)).collect::<Result<_>>()?;
    let jwks = Jwks::new(keys.iter().map(|key| key.public_key().clone()))?;
    print(&pretty(&jwks.to_json())?)
}
