//! Threads for opening files: work that blocks, and starts threads of its own.
//!
//! The threads of the [`runtime`](crate::runtime) give way to those of JavaScript, and a thread inherits that from the one that starts
//! it. The threads of a store must not give way: a call waits for the disk, and the disk for them. So a thread that JavaScript has
//! started starts them.

use std::{
    sync::{OnceLock, mpsc},
    thread::Builder,
};

use tokio::sync::oneshot;

use crate::failure::{Failure, Result};

type Work = Box<dyn FnOnce() + Send>;

static OPENER: OnceLock<mpsc::Sender<Work>> = OnceLock::new();

/// Starts the thread, once. JavaScript has to call it before [`run`] is called.
pub(crate) fn start() {
    OPENER.get_or_init(|| {
        let (sender, works) = mpsc::channel::<Work>();
        let open = move || works.into_iter().for_each(|work| drop(thread(work)));
        // Where the system starts no thread, what is sent is dropped, and is a failure.
        drop(thread(open));
        sender
    });
}

fn thread(work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    Builder::new().name("ssf-outbox-open".to_owned()).spawn(work).map(drop)
}

/// Runs what blocks, on a thread of its own.
pub(crate) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> ssf_transmitter::Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, result) = oneshot::channel();
    let work: Work = Box::new(move || drop(sender.send(work())));
    if let Some(opener) = OPENER.get() {
        drop(opener.send(work));
    }
    Ok(result.await.map_err(|_| Failure::internal("a task ended without a result"))??)
}
