//! `ssf outbox work`: a worker that needs no program.

use std::path::PathBuf;

use serde_json::json;
use ssf_transmitter::{
    Transmitter,
    client::Worker,
    outbox::{Alert, Outbox},
};

use super::{
    super::{
        Result, input,
        network::{Certificate, Network},
        output::{print, say},
        receivers::ReceiversFile,
        route, shutdown,
    },
    shown,
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The issuer: the exact `issuer` of your transmitter configuration
    #[arg(long, value_name = "URL")]
    issuer: String,
    #[command(flatten)]
    key: input::Key,
    /// The receivers by name: a TOML file with a table `[receivers.NAME]` for each
    ///
    /// Its settings are those of `ssf emit`: `okta`, `endpoint`, `audience`, `dialect`, `time_unit`, `subject_shape`, `token_url`, `client_id`,
    /// `scope`, `token_auth`, `token_key`; `client_secret` and `authorization` say where the secret is: `env:NAME` or
    /// `file:PATH`. The file is read again when it changes.
    #[arg(long, value_name = "FILE")]
    receivers: PathBuf,
    /// Send what is ready, and end; otherwise, work until interrupted
    #[arg(long)]
    drain: bool,
    /// How many deliveries are in flight at once
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    concurrency: u32,
    #[command(flatten)]
    certificate: Certificate,
    #[command(flatten)]
    network: Network,
}

pub(super) async fn run(outbox: &Outbox, arguments: Arguments, json: bool) -> Result {
    let Arguments { issuer, key, receivers, drain, concurrency, certificate, network } = arguments;
    let receivers = ReceiversFile::open(receivers, certificate.is_given(), network.allow_loopback)?;
    let transmitter = Transmitter::builder(issuer, key.read()?);
    let transmitter = route::transmitter(transmitter, &certificate, &network)?;
    let worker = Worker::new(outbox.clone(), transmitter, receivers)
        .concurrency(concurrency)
        .on_alert(move |receiver, alert| say(&alert_line(receiver, alert, json)));
    let handle = worker.handle();
    let interrupted = shutdown::requested()?;
    let stopping = handle.clone();
    let stop = tokio::spawn(async move {
        interrupted.await;
        stopping.stop();
    });
    let ended = if drain { worker.drain().await.map(drop) } else { worker.run().await };
    stop.abort();
    let health = handle.health();
    print(&if json {
        json!({ "delivered": health.delivered, "failed": health.failed }).to_string()
    } else {
        format!("{} delivered, {} attempts failed", health.delivered, health.failed)
    })?;
    Ok(ended?)
}

fn alert_line(receiver: &str, alert: &Alert, json: bool) -> String {
    let (what, failure) = match alert {
        Alert::Paused(failure) => ("paused", Some(failure)),
        _ => ("resumed", None),
    };
    if json {
        return json!({ "alert": what, "receiver": receiver, "failure": failure.map(shown::failure_json) })
            .to_string();
    }
    let why = failure.map(|failure| format!(": {}", shown::failure_text(failure)));
    format!("{receiver} is {what}{}", why.unwrap_or_default())
}
