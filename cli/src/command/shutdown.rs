//! The signals that end a server.

use std::io;

/// Resolves at the first request to end: Ctrl-C, or SIGTERM where there is one.
#[cfg(unix)]
pub(crate) fn requested() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Resolves when this very process is told to end. Ctrl-C goes to every process of a terminal: the parent decides what
/// comes of it.
#[cfg(unix)]
pub(crate) fn terminated() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        // Who listens for a signal does not end by it.
        let _ignored = interrupt;
        terminate.recv().await;
    })
}

#[cfg(not(unix))]
pub(crate) fn terminated() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Who listens for it does not end by it.
        while tokio::signal::ctrl_c().await.is_ok() {}
        std::future::pending::<()>().await;
    })
}

#[cfg(not(unix))]
pub(crate) fn requested() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without the signal the receiver runs until it is killed.
            std::future::pending::<()>().await;
        }
    })
}
