//! The timer of tokio.

use std::{pin::Pin, time::Duration};

use ssf_transmitter::stream::Timer;

/// Lets long polls wait with tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTimer;

impl Timer for TokioTimer {
    fn wait(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(time))
    }
}
