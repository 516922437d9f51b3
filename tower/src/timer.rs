//! The timers of tokio.

use std::{pin::Pin, time::Duration};

use ssf_transmitter::stream::Timer;
use tokio::{sync::watch, time};

/// Lets long polls wait with tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer;

impl Timer for TokioTimer {
    fn wait(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(time::sleep(time))
    }
}

/// Lets long polls wait with tokio's timer until the server is to end: those that wait are answered then, and later ones at once. So, a server
/// that ends gracefully does not wait for them.
///
/// ```
/// use std::time::Duration;
/// use ssf_transmitter::{KeySet, KeyType, SigningKey, outbox::MemoryStore, stream::StreamApi};
/// use ssf_transmitter_tower::{ShutdownTimer, StreamService};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let (shutdown, mut told) = tokio::sync::watch::channel(false);
/// let keys = KeySet::new(SigningKey::generate(KeyType::P256)?);
/// let api = StreamApi::builder("https://tr.example.com", keys, MemoryStore::new())
///     .long_poll(ShutdownTimer::new(told.clone()), Duration::from_secs(25))
///     .build()?;
/// # let service = StreamService::new(api, async |_| ssf_transmitter::stream::Authentication::Missing);
/// # let app: axum::Router = axum::Router::new().fallback_service(service);
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let server = axum::serve(listener, app).with_graceful_shutdown(async move {
///     let _ = told.wait_for(|told| *told).await;
/// });
/// // When the process is told to end:
/// shutdown.send_replace(true);
/// server.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ShutdownTimer(watch::Receiver<bool>);

impl ShutdownTimer {
    /// A timer that ends when the value of the channel is true, or when its sender is dropped.
    pub fn new(shutdown: watch::Receiver<bool>) -> Self {
        Self(shutdown)
    }
}

impl Timer for ShutdownTimer {
    fn wait(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut shutdown = self.0.clone();
        Box::pin(async move {
            tokio::select! {
                () = time::sleep(time) => {}
                _ = shutdown.wait_for(|shutdown| *shutdown) => {}
            }
        })
    }
}
