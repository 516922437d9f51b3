//! Servers over TLS, and proxies, on the loopback interface: real ones, with what is wrong with them.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// Each has a name of its own: by the name the issuer of a certificate is looked for.
static AUTHORITIES: AtomicUsize = AtomicUsize::new(0);

/// A certificate authority that nobody else has.
pub(crate) fn authority() -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let number = AUTHORITIES.fetch_add(1, Ordering::Relaxed);
    params.distinguished_name.push(DnType::CommonName, format!("Authority {number}"));
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// What a certificate says, for a name.
pub(crate) fn certificate_for(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

/// A certificate by an authority, and its private key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
}

impl Identity {
    pub(crate) fn new(params: &CertificateParams, authority: &Authority) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        Self { chain: vec![certificate.der().clone()], pem: certificate.pem(), key }
    }

    pub(crate) fn self_signed(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { chain: vec![certificate.der().clone()], pem: certificate.pem(), key }
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }
}

/// How a server speaks TLS.
pub(crate) struct Tls {
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
    pub(crate) protocols: &'static [&'static [u8]],
    /// Whose client certificates it demands.
    pub(crate) clients: Option<CertificateDer<'static>>,
    /// What it answers to a SET, and whether the connection then ends without an alert (RFC 8446 §6.1).
    pub(crate) answer: &'static [u8],
    pub(crate) ends_abruptly: bool,
}

const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n";

impl Default for Tls {
    fn default() -> Self {
        Self {
            versions: vec![&TLS12, &TLS13],
            protocols: &[],
            clients: None,
            answer: ACCEPTED,
            ends_abruptly: false,
        }
    }
}

impl Tls {
    pub(crate) fn config(&self, identity: &Identity) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&self.versions)
            .unwrap();
        let builder = match &self.clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder.with_single_cert(identity.chain.clone(), identity.private_key()).unwrap();
        config.alpn_protocols = self.protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    }
}

/// The protocol, and the number of certificates that the client showed, of a connection.
pub(crate) type Connection = (Option<Vec<u8>>, usize);

/// A receiver over TLS that takes every SET.
pub(crate) struct TlsServer {
    pub(crate) address: SocketAddr,
    /// All connections, also those on which no TLS came about.
    pub(crate) attempts: Arc<Mutex<usize>>,
    pub(crate) connections: Arc<Mutex<Vec<Connection>>>,
    /// Where all of them come from.
    pub(crate) peers: Arc<Mutex<Vec<IpAddr>>>,
}

impl TlsServer {
    pub(crate) async fn start(tls: &Tls, identity: &Identity) -> Self {
        let acceptor = TlsAcceptor::from(tls.config(identity));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let attempts = Arc::<Mutex<usize>>::default();
        let connections = Arc::<Mutex<Vec<Connection>>>::default();
        let (answer, ends_abruptly) = (tls.answer, tls.ends_abruptly);
        let peers = Arc::<Mutex<Vec<IpAddr>>>::default();
        let (counted, log, from) = (attempts.clone(), connections.clone(), peers.clone());
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                *counted.lock().unwrap() += 1;
                from.lock().unwrap().push(peer.ip());
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let session = stream.get_ref().1;
                let certificates = session.peer_certificates().map_or(0, <[_]>::len);
                log.lock().unwrap().push((session.alpn_protocol().map(<[_]>::to_vec), certificates));
                let _ = stream.read(&mut vec![0; 16 * 1024]).await;
                let _ = stream.write_all(answer).await;
                if ends_abruptly {
                    let _ = stream.flush().await;
                    let _ = stream.get_mut().0.shutdown().await;
                } else {
                    let _ = stream.shutdown().await;
                }
            }
        });
        Self { address, attempts, connections, peers }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/events", self.address.port())
    }

    pub(crate) fn attempts(&self) -> usize {
        *self.attempts.lock().unwrap()
    }
}

/// How a proxy responds to a tunnel request.
#[derive(Clone)]
pub(crate) enum Behaviour {
    /// Opens it, wherever it should lead, to this address.
    Tunnel(SocketAddr),
    /// Writes this, and closes the connection.
    Answer(&'static str),
    /// Keeps the connection open, and says nothing.
    Silence,
}

/// An HTTP proxy.
pub(crate) struct ConnectProxy {
    pub(crate) port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    /// Where all connections come from.
    pub(crate) peers: Arc<Mutex<Vec<IpAddr>>>,
}

impl ConnectProxy {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        Self::start_over(behaviour, None).await
    }

    /// One that is spoken to over TLS.
    pub(crate) async fn start_over(behaviour: Behaviour, tls: Option<Arc<ServerConfig>>) -> Self {
        // On every address, so that it is found under every name of this machine.
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let peers = Arc::<Mutex<Vec<IpAddr>>>::default();
        let (log, from) = (requests.clone(), peers.clone());
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                from.lock().unwrap().push(peer.ip());
                let (behaviour, log, tls) = (behaviour.clone(), log.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, behaviour, &log).await,
                        Some(tls) => {
                            if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                                serve(stream, behaviour, &log).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, requests, peers }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The heads of all requests.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    behaviour: Behaviour,
    log: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    log.lock().unwrap().push(String::from_utf8(head).unwrap());
    match behaviour {
        Behaviour::Tunnel(to) => {
            let mut there = TcpStream::connect(to).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
            let _ = copy_bidirectional(&mut stream, &mut there).await;
        }
        Behaviour::Answer(answer) => {
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
        Behaviour::Silence => std::future::pending().await,
    }
}
