//! Connections: accepting them, TLS, and what can go wrong below HTTP.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;
use tokio_rustls::server::TlsStream;

use super::script::{Fault, TlsFault};
use super::server::Service;
use super::tls::Tls;

/// How long to wait when there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// No end of what may be written.
const UNLIMITED: u64 = u64::MAX;

/// How a connection ends that is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Cut {
    /// As if there was nothing more to say (FIN).
    Close,
    /// With an error (RST).
    Reset,
}

/// What requests can do to the connection they came by.
#[derive(Debug)]
pub(crate) struct Line {
    cut: OnceLock<Cut>,
    was_cut: Notify,
    hangs: AtomicBool,
    /// How many bytes may still be written before this side is closed.
    left: AtomicU64,
}

impl Line {
    fn new() -> Self {
        Self {
            cut: OnceLock::new(),
            was_cut: Notify::new(),
            hangs: AtomicBool::new(false),
            left: AtomicU64::new(UNLIMITED),
        }
    }

    /// Ends the connection at once, and with it the caller.
    pub(crate) async fn cut<T>(&self, cut: Cut) -> T {
        // The first one counts if several requests want it.
        let _ = self.cut.set(cut);
        self.was_cut.notify_one();
        std::future::pending().await
    }

    /// Waits until the other side gives up.
    pub(crate) async fn hang<T>(&self) -> T {
        self.stays_open();
        std::future::pending().await
    }

    /// Something on this connection does not end: who stops does not wait for it.
    pub(crate) fn stays_open(&self) {
        self.hangs.store(true, Ordering::Relaxed);
    }

    /// Closes this side after so many bytes more. The other side may go on sending; nobody listens.
    pub(crate) fn end_after(&self, bytes: u64) {
        self.left.store(bytes, Ordering::Relaxed);
    }

    fn is_limited(&self) -> bool {
        self.left.load(Ordering::Relaxed) != UNLIMITED
    }
}

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
        Some(Fault::Tls(wrong)) => Some(*wrong),
        Some(fault) => {
            spoil(socket, fault).await;
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
    let wire = Wire { socket, line: Arc::clone(&line), ended: false };
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

/// A socket, or something around one.
trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// What HTTP is spoken over.
struct Wire<S: Socket> {
    socket: S,
    line: Arc<Line>,
    /// This side was closed.
    ended: bool,
}

impl<S: Socket> Wire<S> {
    /// How much of so many bytes may be written. At the end this side is closed, and what is left goes nowhere.
    fn poll_allowed(&mut self, context: &mut Context<'_>, length: usize) -> Poll<io::Result<usize>> {
        let left = self.line.left.load(Ordering::Relaxed);
        if left == 0 && !self.ended {
            ready!(Pin::new(&mut self.socket).poll_shutdown(context))?;
            self.ended = true;
        }
        Poll::Ready(Ok(usize::try_from(left).map_or(length, |left| left.min(length))))
    }
}

impl<S: Socket> Drop for Wire<S> {
    fn drop(&mut self) {
        if self.line.cut.get() == Some(&Cut::Reset) {
            // Without it there is only a close, which no sender will mistake for an answer either.
            let _ = self.socket.tcp().set_zero_linger();
        }
    }
}

impl<S: Socket> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
            if !self.ended || buffer.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            // Requests that could not be answered are not taken.
            buffer.set_filled(before);
        }
    }
}

impl<S: Socket> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.line.is_limited() {
            return Pin::new(&mut self.socket).poll_write(context, buffer);
        }
        let allowed = ready!(self.poll_allowed(context, buffer.len()))?;
        if allowed == 0 {
            return Poll::Ready(Ok(buffer.len()));
        }
        let written = ready!(Pin::new(&mut self.socket).poll_write(context, &buffer[..allowed]))?;
        self.line.left.fetch_sub(written as u64, Ordering::Relaxed);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !self.line.is_limited() {
            return Pin::new(&mut self.socket).poll_write_vectored(context, buffers);
        }
        let first = buffers.iter().find(|buffer| !buffer.is_empty()).map_or(&[][..], |buffer| buffer);
        self.poll_write(context, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_flush(context))?;
        if self.line.is_limited() {
            ready!(self.poll_allowed(context, 0))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ended {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
