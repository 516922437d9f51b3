//! The page of a receiver: what arrives there, live, at another port of the loopback interface.

mod browser;
mod copy;
mod events;
mod gate;
mod server;
mod switch;
mod times;
mod view;

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use ssf_emulator::{Config, Emulator};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};

use super::super::{Result, output::say};
use gate::Gate;
use server::Shared;
use switch::Switch;
use view::View;

/// How many requests the page shows: the newest ones.
pub(super) const SIZE: usize = 500;
/// How long answers may take once the page is to end.
const GRACE: Duration = Duration::from_secs(2);

/// A running page.
pub(super) struct Page {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Page {
    /// Starts the page of an emulator with these settings.
    pub(super) async fn start(emulator: &Emulator, config: Config) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            gate: Gate::new(listener.local_addr()?.port())?,
            view: View::new(emulator, &config)?,
            arrivals: emulator.arrivals(),
            switch: Switch::new(emulator, config.script),
            stopped,
        });
        let server = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, stop, server })
    }

    /// The address that opens it, with the token.
    pub(super) fn url(&self) -> String {
        self.shared.gate.url()
    }

    /// Shows it in the browser.
    pub(super) fn open(&self) {
        // Other users may see the arguments of a program, so what is in them is good for once.
        if let Err(error) = self.shared.gate.ticket_url().and_then(|url| Ok(browser::open(&url)?)) {
            say(&format!("the browser cannot be opened: {}; open the address of the page", error.text()));
        }
    }

    /// Ends it. Whoever reads it is told by the end of the connection.
    pub(super) async fn stop(mut self) {
        self.stop.send_replace(true);
        if timeout(GRACE, &mut self.server).await.is_err() {
            self.server.abort();
        }
    }
}
