//! `ssf okta`: the security events providers of an Okta org, and its System Log.

mod log;

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::json;
use ssf_transmitter::{
    OktaProviders,
    okta::{NewProvider, ProviderSettings},
};
use zeroize::Zeroizing;

use super::{Failure, Result, block_on, network::Network, print};
use log::Log;

/// The variable that holds the token: a command line is visible to others.
const TOKEN: &str = "OKTA_API_TOKEN";

/// Register your transmitter in an Okta org, and manage it
///
/// Prints what Okta answers as JSON. The token is in the variable `OKTA_API_TOKEN`, or in a file.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The org, by the URL that its users sign in at
    #[arg(long, value_name = "URL")]
    org: String,
    /// Read the token from this file
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The token is an OAuth 2.0 access token, not an API token of the org
    #[arg(long)]
    oauth: bool,
    #[command(flatten)]
    network: Network,
    #[command(subcommand)]
    operation: Operation,
}

#[derive(clap::Subcommand)]
enum Operation {
    /// Register a provider
    Create {
        /// The name that admins see
        #[arg(long)]
        name: String,
        /// The type: a string of your choice, such as the name of your product
        #[arg(long = "type", value_name = "TYPE")]
        kind: String,
        #[command(flatten)]
        settings: Settings,
        /// If a provider with this name and these settings exists, use it
        #[arg(long)]
        ensure: bool,
    },
    /// List all providers
    List,
    /// Show a provider
    Show {
        /// Its id
        id: String,
    },
    /// Replace the settings of a provider; omitted settings stay unchanged
    Replace {
        /// Its id
        id: String,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        /// Another type
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Activate a provider, so that its SETs are accepted
    Activate {
        /// Its id
        id: String,
    },
    /// Deactivate a provider, so that its SETs are rejected
    Deactivate {
        /// Its id
        id: String,
    },
    /// Delete a provider
    Delete {
        /// Its id
        id: String,
    },
    /// Read the System Log entries about SETs
    Log(Log),
}

#[derive(clap::Args)]
struct Settings {
    /// Your transmitter configuration, where Okta finds issuer and keys
    #[arg(long, value_name = "URL", conflicts_with_all = ["issuer", "jwks_url"])]
    well_known: Option<String>,
    /// The exact `iss` of your SETs
    #[arg(long, requires = "jwks_url")]
    issuer: Option<String>,
    /// Where your JWKS is published
    #[arg(long, value_name = "URL", requires = "issuer")]
    jwks_url: Option<String>,
}

impl Settings {
    fn read(self) -> Option<ProviderSettings> {
        let by_issuer = || Some(ProviderSettings::issuer(self.issuer?, self.jwks_url?));
        self.well_known.map(ProviderSettings::well_known).or_else(by_issuer)
    }
}

pub(crate) fn run(arguments: Arguments) -> Result {
    let providers =
        connect(&arguments.org, arguments.token_file.as_deref(), arguments.oauth, &arguments.network)?;
    block_on(async { perform(&providers, arguments.operation).await })
}

/// The API of an org, with the token of the file or of the variable.
pub(super) fn connect(
    org: &str,
    token_file: Option<&Path>,
    oauth: bool,
    network: &Network,
) -> Result<OktaProviders> {
    let token = match token_file {
        Some(file) => fs::read_to_string(file).map_err(|error| Failure::file(file, &error))?,
        None => env::var(TOKEN).map_err(|_| format!("{TOKEN} is not set"))?,
    };
    let token = Zeroizing::new(token);
    let token = token.trim();
    let mut builder = OktaProviders::builder(org);
    builder = if oauth { builder.bearer(token) } else { builder.ssws(token) };
    if network.allow_loopback {
        builder = builder.allow_loopback();
    }
    if let Some(deadline) = network.deadline() {
        builder = builder.deadline(deadline);
    }
    Ok(builder.network(network.settings()?).build()?)
}

async fn perform(providers: &OktaProviders, operation: Operation) -> Result {
    match operation {
        Operation::Create { name, kind, settings, ensure } => {
            let settings = settings.read().ok_or("--well-known, or --issuer with --jwks-url, is needed")?;
            let provider = NewProvider::new(name, kind, settings);
            print_json(if ensure {
                providers.ensure(&provider).await
            } else {
                providers.create(&provider).await
            })
        }
        Operation::List => print_json(providers.list().await),
        Operation::Show { id } => print_json(providers.read(&id).await),
        Operation::Replace { id, name, kind, settings } => {
            let change = |mut provider: NewProvider| {
                if let Some(name) = name {
                    provider = provider.with_name(name);
                }
                if let Some(kind) = kind {
                    provider = provider.with_kind(kind);
                }
                match settings.read() {
                    Some(settings) => provider.with_settings(settings),
                    None => provider,
                }
            };
            print_json(providers.update(&id, change).await)
        }
        Operation::Activate { id } => print_json(providers.activate(&id).await),
        Operation::Deactivate { id } => print_json(providers.deactivate(&id).await),
        Operation::Log(log) => log.run(providers).await,
        Operation::Delete { id } => {
            print_json(providers.delete(&id).await.map(|()| json!({ "deleted": id })))
        }
    }
}

/// Prints the answer as JSON for people.
fn print_json(answer: ssf_transmitter::Result<impl Serialize>) -> Result {
    print(&serde_json::to_string_pretty(&answer?)?)
}
