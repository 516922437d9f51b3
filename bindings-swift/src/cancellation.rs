//! Ends work whose Swift task is cancelled, which uniffi does not do.

use std::{future::Future, sync::Arc};

use tokio::sync::watch;

use crate::{
    failure::{Failure, Result},
    runtime,
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
    /// The result of `work`, unless it is cancelled.
    pub(crate) async fn or<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let mut cancelled = self.0.subscribe();
        tokio::select! {
            biased;
            _ = cancelled.wait_for(|cancelled| *cancelled) => Err(Failure::Cancelled),
            result = runtime::run(work) => result,
        }
    }
}
