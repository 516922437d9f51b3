//! Ends work whose Swift task is cancelled, which uniffi does not do.

use std::{future::Future, sync::Arc};

use tokio::{sync::watch, task::JoinSet};

use crate::{
    failure::{Failure, Result},
    runtime::runtime,
};

/// Cancels the one call that it is given to.
#[derive(uniffi::Object)]
pub struct Cancellation(watch::Sender<bool>);

#[uniffi::export]
impl Cancellation {
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(false)))
    }

    /// Drops the work, now or as soon as it begins.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }
}

impl Cancellation {
    /// The result of `work`, unless it is cancelled: then no more of it is done, and nothing of it is left, when this returns.
    pub(crate) async fn or<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut cancelled = self.0.subscribe();
        if *cancelled.borrow() {
            return Err(Failure::Cancelled);
        }
        // Whoever waits no longer for this drops the work too.
        let mut task = JoinSet::new();
        task.spawn_on(work, runtime()?.handle());
        let ended = tokio::select! {
            biased;
            _ = cancelled.wait_for(|cancelled| *cancelled) => None,
            ended = task.join_next() => ended,
        };
        match ended {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(Failure::internal("a task ended without a result")),
            None => {
                task.shutdown().await;
                Err(Failure::Cancelled)
            }
        }
    }
}
