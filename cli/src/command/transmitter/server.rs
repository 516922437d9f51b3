//! The sockets of the transmitter.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use http::{Request, request::Parts};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{
        conn::auto::Builder,
        graceful::{GracefulShutdown, Watcher},
    },
};
use ssf_transmitter::stream::StreamApi;
use ssf_transmitter_tower::StreamService;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

use super::{
    super::{Failure, Result, output::say},
    publish::Publishing,
    settings::Settings,
    tls::Certificate,
};

/// How long a handshake may take, and how long the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long pending requests may take once the transmitter is to end.
const GRACE: Duration = Duration::from_secs(10);
/// A receiver that polls keeps one connection.
const CONNECTIONS: usize = 20_000;

/// Where a connection comes from.
#[derive(Clone, Copy)]
struct Peer(IpAddr);

/// Ends when the transmitter is to end.
async fn told(mut stopped: watch::Receiver<bool>) {
    // The sender lives as long as the server.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// A listener, and how connections are made.
pub(super) struct Server {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<watch::Receiver<TlsAcceptor>>,
    /// What follows the certificate; it ends with the server.
    following: JoinSet<()>,
}

impl Server {
    pub(super) async fn bind(settings: &Settings) -> Result<Self> {
        let mut following = JoinSet::new();
        let tls = match (&settings.certificate, &settings.certificate_key) {
            (Some(chain), Some(key)) => {
                let certificate = Certificate::open(chain, key)?;
                let current = certificate.current();
                following.spawn(certificate.follow());
                Some(current)
            }
            _ => None,
        };
        let at = |error| Failure::from(format!("{}: {error}", settings.listen));
        let listener = TcpListener::bind(settings.listen).await.map_err(at)?;
        Ok(Self { address: listener.local_addr()?, listener, tls, following })
    }

    pub(super) fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// Serves until it is told to stop, and pending requests are answered.
    pub(super) async fn run(self, api: StreamApi, publishing: Publishing, stopped: watch::Receiver<bool>) {
        let mut service = StreamService::of(api);
        if self.tls.is_some() {
            // Without TLS, there is a proxy in between, which all callers come from.
            service = service.with_remote(|parts: &Parts| parts.extensions.get::<Peer>().map(|peer| peer.0));
        }
        let serving = Serving { service, publishing: Arc::new(publishing) };
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut ending = pin!(told(stopped));
        loop {
            let (socket, peer, place) = tokio::select! {
                () = &mut ending => break,
                accepted = accept(&self.listener, &places) => accepted,
            };
            let (serving, watcher) = (serving.clone(), graceful.watcher());
            let tls = self.tls.as_ref().map(|current| current.borrow().clone());
            tokio::spawn(async move {
                match tls {
                    None => serving.serve(socket, peer, watcher).await,
                    // A client that gives up here is nobody's concern.
                    Some(tls) => {
                        if let Ok(Ok(socket)) = timeout(PATIENCE, tls.accept(socket)).await {
                            serving.serve(socket, peer, watcher).await;
                        }
                    }
                }
                drop(place);
            });
        }
        drop((self.listener, self.following));
        // Those that have not ended by then are cut off.
        let _ = timeout(GRACE, graceful.shutdown()).await;
    }
}

/// The next connection, as soon as there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        // The semaphore is never closed.
        let Ok(place) = Arc::clone(places).acquire_owned().await else { return std::future::pending().await };
        match listener.accept().await {
            Ok((socket, peer)) => return (socket, peer, place),
            Err(error) => {
                say(&format!("a connection cannot be accepted: {error}"));
                // Files or memory are short; at once, it would fail again.
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What all connections share.
#[derive(Clone)]
struct Serving {
    service: StreamService,
    publishing: Arc<Publishing>,
}

impl Serving {
    async fn serve<S>(self, socket: S, peer: SocketAddr, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let answer = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer.ip()));
            let Self { mut service, publishing } = self.clone();
            async move {
                match publishing.answer(request).await {
                    Ok(answer) => Ok(answer),
                    Err(other) => service.call(other).await,
                }
            }
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(100);
        let connection = builder.serve_connection(TokioIo::new(socket), answer).into_owned();
        // What goes wrong in a connection is the other side's.
        let _ = watcher.watch(connection).await;
    }
}
