//! `ssf serve`: publishes JWKS and configuration of a transmitter under trial.

use std::{fs, net::SocketAddr, path::PathBuf};

use serde_json::json;
use ssf_emulator::Published;
use ssf_transmitter::Jwks;

use super::{Failure, Result, block_on, input, print, shutdown};

/// Serve JWKS and transmitter configuration on the loopback interface, for tests with `ssf receiver`
///
/// Prints one line of JSON with the addresses when it is ready, and runs until it is interrupted. The issuer is the
/// address itself, over plain http: no real receiver would take it.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    keys: input::Keys,
    /// A JWKS document with public keys, if you do not have the private keys
    #[arg(long, value_name = "FILE", conflicts_with = "sources")]
    jwks: Option<PathBuf>,
    /// Where to listen; loopback addresses only, port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let jwks = if let Some(path) = &arguments.jwks {
        let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        Jwks::from_json(&text)?
    } else {
        let keys = arguments.keys.read()?;
        if keys.is_empty() {
            return Err(Failure::usage("--key or --jwks is needed"));
        }
        Jwks::new(keys.iter().map(|key| key.public_key().clone()))?
    };
    block_on(serve(arguments.listen, jwks))
}

async fn serve(listen: SocketAddr, jwks: Jwks) -> Result {
    let interrupted = shutdown::requested()?;
    let published = Published::start_at(listen, jwks.to_json()).await?;
    let ready = json!({
        "issuer": published.issuer(),
        "jwks_uri": published.jwks_uri(),
        "configuration": published.configuration(),
    });
    print(&ready.to_string())?;
    interrupted.await;
    Ok(())
}
