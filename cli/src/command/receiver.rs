//! `ssf receiver`: a receiver on the loopback interface that answers as the chosen one does.

mod faults;
mod page;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::{Value, json};
use ssf_emulator::{ApiTokens, Client, Config, Emulator, KeySource, Like, LogSettings};

use super::{print, shutdown};
use faults::Faults;
use page::Page;

/// Run a receiver emulator on the loopback interface.
///
/// Prints one line of JSON with its addresses when it is ready and runs until it is interrupted. GET /ledger shows
/// what it saw, /counters the totals, /accepted how often each `jti` was accepted.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The receiver to emulate
    #[arg(long, value_parser = like())]
    like: Like,
    /// Where to listen; loopback addresses only, port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The `iss` every SET must have
    #[arg(long, requires = "keys", required_unless_present = "api_token")]
    issuer: Option<String>,
    #[command(flatten)]
    keys: Keys,
    /// The `aud` every SET must have
    #[arg(long)]
    audience: String,
    /// The client id the token endpoint knows
    #[arg(long, value_name = "ID", requires = "client_secret")]
    client_id: Option<String>,
    /// The secret of that client
    #[arg(long, value_name = "SECRET", requires = "client_id")]
    client_secret: Option<String>,
    /// Emulate Okta's registration API, with this token
    #[arg(long, value_name = "TOKEN")]
    api_token: Option<String>,
    /// A read-only token for the API
    #[arg(long, value_name = "TOKEN", requires = "api_token")]
    api_read_token: Option<String>,
    #[command(flatten)]
    log: Log,
    /// The lifetime of a token
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    token_lifetime: u64,
    /// A user the receiver knows; repeatable. Without any, every user is known
    #[arg(long = "user", value_name = "EMAIL")]
    users: Vec<String>,
    /// How many entries the ledger keeps, the newest ones
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    ledger_size: usize,
    #[command(flatten)]
    faults: Faults,
    #[command(flatten)]
    tls: Tls,
    #[command(flatten)]
    shown: Shown,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Page")]
struct Shown {
    /// Show what arrives on a page, live, at another port of the loopback interface
    ///
    /// The line of JSON has its address in `page`. Only this address opens the page, because it contains a token.
    #[arg(long = "page")]
    is_wanted: bool,
    /// Show the page in the browser
    #[arg(long = "open")]
    is_opened: bool,
}

#[derive(clap::Args)]
#[command(next_help_heading = "System Log")]
struct Log {
    /// How long after a SET was taken its entries are in the log that is played beside the API
    #[arg(long = "log-delay", value_name = "MS", default_value_t = 0, requires = "api_token")]
    delay: u64,
    /// The maximum number of entries on a page of the log, whatever `limit` says
    #[arg(long = "log-page", value_name = "N", default_value_t = 1000, requires = "api_token")]
    page: usize,
    /// Have entries name the `jti` of their SET, which Okta does not document
    #[arg(long = "log-jti", requires = "api_token")]
    shows_jti: bool,
}

impl Log {
    fn settings(&self) -> LogSettings {
        let mut settings = LogSettings::default();
        settings.delay = Duration::from_millis(self.delay);
        settings.page = self.page;
        settings.shows_jti = self.shows_jti;
        settings
    }
}

#[derive(clap::Args)]
#[command(next_help_heading = "TLS")]
struct Tls {
    /// Serve TLS, with a localhost certificate from a CA generated for this run
    #[arg(long)]
    tls: bool,
    /// Where to write the certificate of that authority (PEM)
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_out: Option<PathBuf>,
}

/// Reads the name of a receiver.
fn like() -> impl TypedValueParser<Value = Like> {
    let names = PossibleValuesParser::new(Like::ALL.iter().map(|like| like.name()));
    names.try_map(|name| Like::named(&name).ok_or("there is no such receiver"))
}

#[derive(clap::Args)]
#[group(id = "keys", multiple = false)]
struct Keys {
    /// The transmitter's JWKS document
    #[arg(long, value_name = "URL", requires = "issuer")]
    jwks_uri: Option<String>,
    /// The transmitter's configuration document, which names its `jwks_uri`
    #[arg(long, value_name = "URL", requires = "issuer")]
    well_known: Option<String>,
}

impl Keys {
    fn source(self) -> Option<KeySource> {
        self.jwks_uri.map(KeySource::JwksUri).or(self.well_known.map(KeySource::WellKnown))
    }
}

pub(crate) fn run(arguments: Arguments) -> super::Result {
    let api = arguments.api_token.map(|manage| {
        let mut tokens = ApiTokens::new(manage);
        tokens.read = arguments.api_read_token;
        tokens
    });
    let mut config = match (arguments.issuer, arguments.keys.source(), &api) {
        (Some(issuer), Some(keys), _) => Config::new(arguments.like, issuer, keys, arguments.audience),
        (None, None, Some(api)) => Config::registering(arguments.like, arguments.audience, api.clone()),
        _ => return Err("--issuer, with --jwks-uri or --well-known, or --api-token is needed".into()),
    };
    config.api = api;
    config.log = arguments.log.settings();
    config.listen = arguments.listen;
    config.client =
        arguments.client_id.zip(arguments.client_secret).map(|(id, secret)| Client { id, secret });
    config.token_lifetime = Duration::from_secs(arguments.token_lifetime);
    config.users = arguments.users;
    config.ledger_size = arguments.ledger_size;
    config.script = arguments.faults.script()?;
    config.tls = arguments.tls.tls;
    super::block_on(serve(config, arguments.tls.ca_out, arguments.shown))
}

async fn serve(mut config: Config, ca_out: Option<PathBuf>, shown: Shown) -> super::Result {
    // Listening for signals starts before anybody can know that the receiver is ready.
    let interrupted = shutdown::requested()?;
    let (has_page, described) = (shown.is_wanted || shown.is_opened, config.clone());
    if has_page {
        config.arrivals = page::SIZE;
    }
    let emulator = Emulator::start(config).await.map_err(|error| error.to_string())?;
    if let (Some(file), Some(ca)) = (ca_out, emulator.ca_pem()) {
        fs::write(&file, ca).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let mut ready = ready(described.like, &emulator);
    let page = if has_page { Some(Page::start(&emulator, described).await?) } else { None };
    if let Some(page) = &page {
        ready["page"] = page.url().into();
    }
    print(&ready.to_string())?;
    if let Some(page) = page.as_ref().filter(|_| shown.is_opened) {
        page.open();
    }
    interrupted.await;
    if let Some(page) = page {
        page.stop().await;
    }
    emulator.stop().await;
    Ok(())
}

/// What is said when it is ready: its addresses.
pub(super) fn ready(like: Like, emulator: &Emulator) -> Value {
    let mut ready = json!({
        "like": like.name(),
        "base": emulator.base_url(),
        "push": emulator.push_url(),
        "ledger": emulator.ledger_url(),
    });
    if let Some(token) = emulator.token_url() {
        ready["token"] = token.into();
    }
    if let Some(api) = emulator.api_url() {
        ready["api"] = api.into();
    }
    if let Some(log) = emulator.log_url() {
        ready["log"] = log.into();
    }
    ready
}
