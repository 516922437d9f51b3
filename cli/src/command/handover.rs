//! `ssf handover`: what a receiver's team has to be sent by hand.

use std::net::IpAddr;

use serde_json::json;

use super::{Result, input, output};

/// Print the email for a receiver's team, if registration is by email
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    receiver: Receiver,
}

#[derive(clap::Subcommand)]
enum Receiver {
    /// GOV.UK One Login: its shared signals team registers transmitters by hand
    Govuk(Govuk),
}

/// What GOV.UK One Login wants to know.
#[derive(clap::Args)]
struct Govuk {
    /// The issuer: the exact `iss` of your SETs
    #[arg(long, value_name = "URL")]
    issuer: String,
    #[command(flatten)]
    key: input::Key,
    /// An address that requests come from, as the internet sees it; repeatable
    #[arg(long = "source-ip", value_name = "ADDRESS", required = true)]
    source_ips: Vec<IpAddr>,
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result {
    let Receiver::Govuk(govuk) = &arguments.receiver;
    let key = govuk.key.read()?;
    let public = key.public_key();
    let pem = public.to_pem()?;
    let addresses: Vec<_> = govuk.source_ips.iter().map(IpAddr::to_string).collect();
    if json {
        let shown = json!({
            "issuer": govuk.issuer,
            "algorithm": key.algorithm().as_str(),
            "public_key": pem,
            "source_addresses": addresses,
        });
        return output::print(&serde_json::to_string_pretty(&shown)?);
    }
    output::print(&format!(
        "\
To the shared signals team of GOV.UK One Login

We want to send Security Event Tokens to you. Please register us with:

Issuer (iss): {}
Algorithm:    {}
Requests come from: {}
Public key that corresponds to our signing key:

{pem}
Please send us: client id and client secret, the full URL of the token endpoint (/authorize), the full inbound URL, and the
audience (aud) to use.",
        govuk.issuer,
        key.algorithm().as_str(),
        addresses.join(", "),
    ))
}
