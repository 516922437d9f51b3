//! Connections: accepting them, TLS, and what can go wrong below HTTP.

mod line;
mod wire;

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;

pub(crate) use line::{Cut, Line};
use wire::{Socket, Wire};

use super::script::{Fault, TlsFault};
use super::service::Service;
use super::tls::Tls;

/// How long to wait when there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until it is told to stop, then waits for those that are open.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    tls: Option<Tls>,
    mut stopped: oneshot::Receiver<()>,
) {
    let tls = tls.map(Arc::new);
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // Nothing is ever sent; the other end goes away.
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    let (service, tls, mut stopping) = (Arc::clone(&service), tls.clone(), stopping.clone());
                    connections.spawn(async move {
                        let mut stop = stopping.clone();
                        let opened = tokio::select! {
                            opened = open(socket, &service, tls.as_deref()) => opened,
                            _ = stop.changed() => return,
                        };
                        match opened {
                            Some(Opened::Plain(socket)) => talk(socket, service, &mut stopping).await,
                            Some(Opened::Tls(socket)) => talk(*socket, service, &mut stopping).await,
                            None => {}
                        }
                    });
                }
                // The connection may be gone already (then the next one comes), or descriptors may have run out.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    drop((listener, stop));
    while connections.join_next().await.is_some() {}
}

enum Opened {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What happens before there is HTTP. Nothing is answered where the connection did not get that far.
async fn open(socket: TcpStream, service: &Service, tls: Option<&Tls>) -> Option<Opened> {
    // Small answers are not to wait for more to come.
    let _ = socket.set_nodelay(true);
    let wrong = match service.connection_fault() {
        None => None,
        Some(Fault::Tls(wrong)) => Some(wrong),
        Some(fault) => {
            spoil(socket, &fault).await;
            return None;
        }
    };
    let Some(tls) = tls else {
        return Some(Opened::Plain(socket));
    };
    if wrong == Some(TlsFault::Handshake) {
        refuse_handshake(socket).await;
        return None;
    }
    tls.acceptor(wrong).accept(socket).await.ok().map(|socket| Opened::Tls(Box::new(socket)))
}

async fn spoil(mut socket: TcpStream, fault: &Fault) {
    match fault {
        Fault::Reset { .. } => {
            let _ = socket.set_zero_linger();
        }
        // What was sent has to be read: closing over it would be a reset.
        Fault::Close => {
            let _ = take_some(&mut socket).await;
        }
        _ => drain(&mut socket).await,
    }
}

/// Reads what has come and throws it away.
async fn take_some(socket: &mut TcpStream) -> io::Result<usize> {
    socket.read(&mut vec![0; 16 * 1024]).await
}

async fn drain(socket: &mut TcpStream) {
    while take_some(socket).await.is_ok_and(|length| length > 0) {}
}

/// Answers whatever comes with the alert `handshake_failure` (RFC 8446 §6).
async fn refuse_handshake(mut socket: TcpStream) {
    const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 40];
    let _ = take_some(&mut socket).await;
    let _ = socket.write_all(&ALERT).await;
    let _ = socket.shutdown().await;
    drain(&mut socket).await;
}

/// Serves the requests of one connection.
async fn talk<S: Socket>(socket: S, service: Arc<Service>, stopping: &mut watch::Receiver<()>) {
    let line = Arc::new(Line::new());
    let wire = Wire::new(socket, Arc::clone(&line));
    let handler = service_fn(|request: Request<Incoming>| {
        let (service, line) = (Arc::clone(&service), Arc::clone(&line));
        async move { Ok::<_, Infallible>(service.serve(&line, request).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(wire), handler));
    let mut told = false;
    loop {
        tokio::select! {
            // How it ended is the sender's business.
            _ = connection.as_mut() => return,
            () = line.was_cut.notified() => return,
            _ = stopping.changed(), if !told => {
                told = true;
                if line.hangs.load(Ordering::Relaxed) || line.is_limited() {
                    return;
                }
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
