//! `ssf transmitter`: a transmitter with streams, for vendors who want a process instead of a library.

mod demo;
mod log;
mod publish;
mod seal;
mod server;
mod settings;
mod tls;

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde_json::json;
use ssf_transmitter::{
    KeySet, Receiver, Transmitter,
    client::{StreamReceivers, Worker},
    outbox::{MemoryStore, Outbox, StreamStore},
    stream::StreamApi,
};
use ssf_transmitter_tower::ShutdownTimer;
use tokio::{sync::watch, time::MissedTickBehavior};

use super::{Failure, Result, block_on, outbox::place::Kept, output::say, print, shutdown};
use publish::Publishing;
use seal::Sealing;
use server::Server;
use settings::Settings;

/// How often the transmitter looks after its streams.
const MAINTENANCE: Duration = Duration::from_mins(1);

/// Run a transmitter, where receivers create streams and poll, or have events pushed
///
/// It serves the stream API of OpenID SSF 1.0 over TLS 1.2 and 1.3, or over plain http on a loopback address. The settings are in a TOML file,
/// which docs/transmitter.md describes. Prints one line of JSON with the addresses when it is ready, and runs until it is interrupted: polls
/// that wait end then, and pending requests are answered.
///
/// Your programs publish events with `POST /publish` and a token of `publishers`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The settings, in TOML
    #[arg(long, value_name = "FILE", required_unless_present = "new_token")]
    settings: Option<PathBuf>,
    /// Send an example of each event of `events` when a stream is new, and with `POST /publish/examples`: for certification
    ///
    /// Every stream gets them that wants them. They are about the user ada@example.com, except those that need another subject.
    #[arg(long)]
    demo_events: bool,
    /// Print a new static token and its hash, and end: the token is for a receiver or a publisher, the hash for the settings
    #[arg(long, conflicts_with_all = ["settings", "demo_events"])]
    new_token: bool,
}

pub(crate) fn run(arguments: &Arguments, as_json: bool) -> Result {
    if arguments.new_token {
        return new_token(as_json);
    }
    let path = arguments.settings.as_deref().ok_or_else(|| Failure::usage("--settings is needed"))?;
    log::start();
    let work = async {
        let settings = Settings::read(path)?;
        match settings.place() {
            None => serve(&settings, MemoryStore::new(), arguments.demo_events).await,
            Some(place) => match place.kept().await? {
                Kept::File(store) => serve(&settings, store, arguments.demo_events).await,
                Kept::Database(store) => serve(&settings, store, arguments.demo_events).await,
            },
        }
    };
    block_on(work).map_err(|failure| failure.or_in_place(path.display()))
}

fn new_token(as_json: bool) -> Result {
    let token = ssf_transmitter::access_token::StaticToken::generate()?;
    let (secret, hash) = (token.secret().expose(), token.hash().to_string());
    if as_json {
        return print(&json!({ "token": secret, "hash": hash }).to_string());
    }
    print(&format!("token: {secret}\nhash:  {hash}"))
}

/// Serves streams that are kept here, until the process is told to end.
async fn serve<S: StreamStore + Clone + 'static>(settings: &Settings, store: S, demo: bool) -> Result {
    let interrupted = shutdown::requested()?;
    let (stop, stopped) = watch::channel(false);
    let server = Server::bind(settings).await?;
    let keys = settings.keys()?;
    let seal = settings.seal.as_ref().map(Sealing::seal).transpose()?;
    let api = settings.api(keys.clone(), store.clone(), seal.clone(), ShutdownTimer::new(stopped.clone()))?;
    let outbox = Outbox::new(store.clone());
    let outbox = seal.into_iter().fold(outbox, Outbox::seal);
    let worker = settings.push.then(|| worker(settings, keys, &api, &outbox)).transpose()?;
    let handle = worker.as_ref().map(Worker::handle);
    let sending = worker.map(|worker| tokio::spawn(worker.run()));

    let demo = demo.then(|| demo::Demo::new(&settings.events)).transpose()?.map(Arc::new);
    let publishing = Publishing::new(api.clone(), settings.publishers()?, demo.clone());
    let mut tasks = vec![tokio::spawn(maintain(api.clone()))];
    if let Some(demo) = demo {
        tasks.push(tokio::spawn(demo.follow(api.clone(), store)));
    }
    print(&json!({ "issuer": settings.issuer, "url": server.url(), "configuration": api.configuration().url()? }).to_string())?;
    tokio::spawn(async move {
        interrupted.await;
        stop.send_replace(true);
    });
    server.run(api, publishing, stopped).await;

    tasks.iter().for_each(tokio::task::JoinHandle::abort);
    if let (Some(handle), Some(sending)) = (handle, sending) {
        handle.stop();
        sending.await.map_err(|error| Failure::from(error.to_string()))??;
    }
    Ok(outbox.close().await?)
}

/// What sends the events of push streams.
fn worker(settings: &Settings, keys: KeySet, api: &StreamApi, outbox: &Outbox) -> Result<Worker> {
    let transmitter = Transmitter::builder(&settings.issuer, keys).network(settings.network()).build()?;
    let named = std::collections::HashMap::<String, Receiver>::new();
    let worker = Worker::new(outbox.clone(), transmitter, StreamReceivers::new(api.clone(), named));
    Ok(worker.on_alert(|receiver, alert| match alert {
        ssf_transmitter::outbox::Alert::Paused(failure) => {
            say(&format!("{receiver} is paused: {}", failure.message));
        }
        _ => say(&format!("{receiver} is resumed")),
    }))
}

/// Looks after the streams, until it is aborted.
async fn maintain(api: StreamApi) {
    let mut times = tokio::time::interval(MAINTENANCE);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        match api.maintain().await {
            Ok(done) => {
                done.audits.iter().for_each(|audit| say(&audit.to_string()));
                if let Some(failure) = &done.health.failure {
                    let (streams, code) = (done.health.failed, failure.code.as_str());
                    say(&format!(
                        "{streams} of the streams could not be looked after: {} [{code}]",
                        failure.message
                    ));
                }
            }
            Err(error) => say(&format!("the streams could not be looked after: {error}")),
        }
    }
}
