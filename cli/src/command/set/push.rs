//! `ssf set push`: sends a SET that exists, whoever made it.

use serde_json::Value;
use ssf_transmitter::{
    SignedSet, Transmitter,
    key::{ExternalKey, SigningHeader},
};

use super::super::{
    Failure, Result, addressee::Addressee, block_on, config::ConfigFile, confirm::Confirmation, input,
    route::Route,
};

/// Send an existing SET
///
/// Sends the SET unchanged, and prints the receipt as JSON. `ssf lint` checks it before.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The file with the compact SET, the SET itself, or `-` for standard input
    #[arg(value_name = "FILE")]
    set: String,
    #[command(flatten)]
    to: Addressee,
    #[command(flatten)]
    route: Route,
    #[command(flatten)]
    confirm: Confirmation,
    #[command(flatten)]
    config: ConfigFile,
}

pub(super) fn run(arguments: Arguments) -> Result {
    let Arguments { set, to, route, confirm, config } = arguments;
    let config = config.read()?;
    let config = config.as_ref();
    let text = match set.as_str() {
        "-" => input::text("-")?,
        // A SET that is pasted in place of a path must not be printed as one.
        set if set.starts_with("eyJ") => set.to_owned(),
        path => std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?,
    };
    let set = SignedSet::parse(text.trim())?;
    let decoded = set.decode()?;
    let claim = |name: &str| decoded.claims().get(name).and_then(Value::as_str).unwrap_or_default();
    let receiver = route.receiver(&to, Some(claim("aud")).filter(|aud| !aud.is_empty()), config)?;

    // The key stays where it is: the SET has its signature.
    let algorithm = decoded.header().get("alg").and_then(Value::as_str).unwrap_or_default().parse()?;
    let key = ExternalKey::new(SigningHeader::without_kid(algorithm), None)?;
    let transmitter = route.transmitter(Transmitter::builder(claim("iss"), key), config)?;
    let providers = confirm.providers(&to, &route.network, config)?;
    block_on(async { confirm.report(&transmitter.deliver(&set, &receiver).await?, providers.as_ref()).await })
}
