//! `ssf okta log`: the System Log of an org, as lines of JSON.

use ssf_transmitter::{OktaProviders, Timestamp, client::LogPager, okta::LogQuery};

use crate::command::{Result, moment, print, shutdown};

#[derive(clap::Args)]
pub(super) struct Log {
    /// Start this long ago, such as `90s`, `15m`, `1h` or `7d`, or at a time, such as `2026-11-29T13:05:00Z`
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = moment::ago)]
    since: Timestamp,
    /// End before that, in the same forms
    #[arg(long, value_name = "TIME", value_parser = moment::ago, conflicts_with = "follow")]
    until: Option<Timestamp>,
    /// Follow new entries until interrupted
    #[arg(long)]
    follow: bool,
    /// Read entries of this type; repeatable. By default, entries about SETs and user risk
    #[arg(long = "event-type", value_name = "TYPE", conflicts_with = "all")]
    event_types: Vec<String>,
    /// Read entries of all types
    #[arg(long)]
    all: bool,
}

impl Log {
    pub(super) async fn run(self, providers: &OktaProviders) -> Result {
        let mut query = LogQuery::since(self.since).page_size(1000);
        if let Some(until) = self.until {
            query = query.until(until);
        }
        if self.all || !self.event_types.is_empty() {
            query = query.event_types(self.event_types);
        }
        let log = providers.log(query);
        if !self.follow {
            return print_all(log).await;
        }
        let interrupted = shutdown::requested()?;
        tokio::select! {
            ended = print_all(log.follow()) => ended,
            () = interrupted => Ok(()),
        }
    }
}

/// Prints one entry in a line.
async fn print_all(mut log: LogPager) -> Result {
    while let Some(event) = log.next().await? {
        print(&serde_json::to_string(&event)?)?;
    }
    Ok(())
}
