//! `ssf receiver`: a receiver on the loopback interface that answers as the chosen one does.

use std::error::Error;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use ssf_cli::receiver::{Client, Config, Emulator, KeySource, Like};

use super::shutdown;

/// Run a receiver emulator on the loopback interface.
///
/// Prints one line of JSON with its addresses when it is ready and runs until it is interrupted.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The receiver to answer like
    #[arg(long, value_enum)]
    like: Like,
    /// Where to listen; loopback addresses only, port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The `iss` every SET must have
    #[arg(long)]
    issuer: String,
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
    /// How long a token is good for
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    token_lifetime: u64,
    /// A user the receiver knows; repeatable. Without any, every user is known
    #[arg(long = "user", value_name = "EMAIL")]
    users: Vec<String>,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Keys {
    /// The transmitter's JWKS document
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// The transmitter's configuration document, which names its `jwks_uri`
    #[arg(long, value_name = "URL")]
    well_known: Option<String>,
}

impl Keys {
    fn source(self) -> Option<KeySource> {
        self.jwks_uri.map(KeySource::JwksUri).or(self.well_known.map(KeySource::WellKnown))
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let keys = arguments.keys.source().ok_or("either --jwks-uri or --well-known is needed")?;
    let mut config = Config::new(arguments.like, arguments.issuer, keys, arguments.audience);
    config.listen = arguments.listen;
    config.client =
        arguments.client_id.zip(arguments.client_secret).map(|(id, secret)| Client { id, secret });
    config.token_lifetime = Duration::from_secs(arguments.token_lifetime);
    config.users = arguments.users;
    super::block_on(serve(config))
}

async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    // Listening for signals starts before anybody can know that the receiver is ready.
    let interrupted = shutdown::requested()?;
    let like = config.like;
    let emulator = Emulator::start(config).await?;
    announce(like, &emulator)?;
    interrupted.await;
    emulator.stop().await;
    Ok(())
}

fn announce(like: Like, emulator: &Emulator) -> io::Result<()> {
    let mut ready = json!({
        "like": like.name(),
        "base": emulator.base_url(),
        "push": emulator.push_url(),
        "ledger": emulator.ledger_url(),
    });
    if let Some(token) = emulator.token_url() {
        ready["token"] = token.into();
    }
    let mut stdout = io::stdout();
    writeln!(stdout, "{ready}")?;
    stdout.flush()
}
