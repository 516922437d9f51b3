//! Delivery over real TLS.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use ssf_transmitter::{
    Error, ErrorCode, KeyType, Receipt, Receiver, SigningKey, Subject, Transmitter,
    delivery::{ReceiptNote, RetryPolicy},
    event::caep,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// A receiver over TLS that takes every SET; its certificate is for `name`, by the authority that is returned (PEM).
async fn server(name: &str, versions: &[&'static SupportedProtocolVersion]) -> (String, String) {
    let server = serve(name, versions, &[], None).await;
    (server.url, server.ca)
}

/// A receiver over TLS.
struct Serving {
    url: String,
    ca: String,
    /// The protocol, and the number of certificates that the client showed, of each connection.
    connections: Arc<Mutex<Vec<Connection>>>,
}

type Connection = (Option<Vec<u8>>, usize);

async fn serve(
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&[u8]],
    clients: Option<CertificateDer<'static>>,
) -> Serving {
    let usual = Ending { answer: b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", is_abrupt: false };
    serve_with(name, versions, protocols, clients, usual).await
}

/// What a receiver answers, and whether the connection then ends without an alert (RFC 8446 §6.1).
#[derive(Clone, Copy)]
struct Ending {
    answer: &'static [u8],
    is_abrupt: bool,
}

async fn serve_with(
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&[u8]],
    clients: Option<CertificateDer<'static>>,
    ending: Ending,
) -> Serving {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();

    let private_key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        None => config.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority).unwrap();
            let provider = Arc::new(ring::default_provider());
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            config.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(vec![certificate.der().clone()], private_key).unwrap();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/events", listener.local_addr().unwrap().port());
    let connections = Arc::<Mutex<Vec<Connection>>>::default();
    let log = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let session = stream.get_ref().1;
            let certificates = session.peer_certificates().map_or(0, <[_]>::len);
            log.lock().unwrap().push((session.alpn_protocol().map(<[_]>::to_vec), certificates));
            let mut request = [0; 16 * 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(ending.answer).await;
            if ending.is_abrupt {
                let _ = stream.flush().await;
                let _ = stream.get_mut().0.shutdown().await;
            } else {
                let _ = stream.shutdown().await;
            }
        }
    });
    Serving { url, ca: authority.pem(), connections }
}

async fn emit(url: &str, ca_bundle: Option<&str>) -> Result<Receipt, Error> {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let mut builder = Transmitter::builder("https://edr.example.com", key);
    if let Some(pem) = ca_bundle {
        builder = builder.ca_bundle(pem);
    }
    let receiver = Receiver::builder(url, "aud").allow_loopback().build().unwrap();
    builder.build().unwrap().emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_with_a_trusted_receiver() {
    for versions in [&[&TLS12][..], &[&TLS13]] {
        let (url, ca) = server("localhost", versions).await;
        assert_eq!(emit(&url, Some(&ca)).await.unwrap().status(), 202);
    }
}

#[tokio::test]
async fn a_receiver_that_ends_without_close_notify_has_taken_the_set() {
    for version in [&TLS12, &TLS13] {
        let ending = Ending { answer: b"HTTP/1.1 202 Accepted\r\n\r\nqueued", is_abrupt: true };
        let server = serve_with("localhost", &[version], &[], None, ending).await;
        let receipt = emit(&server.url, Some(&server.ca)).await.unwrap();
        assert_eq!((receipt.attempts(), receipt.notes()), (1, &[ReceiptNote::BodyBroken][..]));
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (url, _) = server("localhost", &[&TLS13]).await;
    assert_eq!(emit(&url, None).await.unwrap_err().code(), ErrorCode::TlsFailed);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let (url, ca) = server("other.example", &[&TLS13]).await;
    assert_eq!(emit(&url, Some(&ca)).await.unwrap_err().code(), ErrorCode::TlsFailed);
}

#[test]
fn a_ca_bundle_that_is_none_is_refused() {
    for bundle in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let key = SigningKey::generate(KeyType::Ed25519).unwrap();
        let built = Transmitter::builder("https://edr.example.com", key).ca_bundle(bundle).build();
        assert_eq!(built.map(|_| ()).unwrap_err().code(), ErrorCode::ConfigurationInvalid);
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered() {
    let protocol = async |offered: &[&[u8]], http1_only: bool| {
        let server = serve("localhost", &[&TLS13], offered, None).await;
        let key = SigningKey::generate(KeyType::Ed25519).unwrap();
        let mut builder = Transmitter::builder("https://edr.example.com", key)
            .ca_bundle(server.ca)
            .retry(RetryPolicy::once());
        if http1_only {
            builder = builder.http1_only();
        }
        let receiver = Receiver::builder(server.url, "aud").allow_loopback().build().unwrap();
        // The server speaks HTTP/1.1 only; what was agreed on is what counts here.
        let _ =
            builder.build().unwrap().emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await;
        let connections = server.connections.lock().unwrap();
        connections[0].0.clone()
    };
    assert_eq!(protocol(&[b"h2", b"http/1.1"], false).await.as_deref(), Some(&b"h2"[..]));
    assert_eq!(protocol(&[b"http/1.1"], false).await.as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(protocol(&[b"h2", b"http/1.1"], true).await.as_deref(), Some(&b"http/1.1"[..]));
    assert_eq!(protocol(&[], false).await, None);
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_asked_for() {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let client = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["edr.example.com".to_owned()])
        .unwrap()
        .signed_by(&client, &authority)
        .unwrap();

    let server = serve("localhost", &[&TLS13], &[], Some(authority.der().clone())).await;
    let emit = async |identity: Option<(String, String)>| {
        let key = SigningKey::generate(KeyType::Ed25519).unwrap();
        let mut builder = Transmitter::builder("https://edr.example.com", key)
            .ca_bundle(&*server.ca)
            .retry(RetryPolicy::once());
        if let Some((chain, key)) = identity {
            builder = builder.client_certificate(chain, key);
        }
        let receiver = Receiver::builder(&server.url, "aud").allow_loopback().build().unwrap();
        builder.build()?.emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await
    };
    let receipt = emit(Some((certificate.pem(), client.serialize_pem()))).await.unwrap();
    assert_eq!(receipt.status(), 202);
    assert_eq!(server.connections.lock().unwrap()[0].1, 1);

    emit(None).await.unwrap_err();
    assert_eq!(server.connections.lock().unwrap().len(), 1, "no other connection came about");

    for (chain, key) in [
        (String::new(), client.serialize_pem()),
        (certificate.pem(), "no key".to_owned()),
        (certificate.pem(), KeyPair::generate().unwrap().serialize_pem()),
    ] {
        assert_eq!(emit(Some((chain, key))).await.unwrap_err().code(), ErrorCode::ConfigurationInvalid);
    }
}

#[tokio::test]
async fn the_doctor_tells_the_version_of_tls() {
    for (versions, says) in [(&[&TLS12][..], "TLS 1.2"), (&[&TLS12, &TLS13], "TLS 1.3")] {
        let (url, ca) = server("localhost", versions).await;
        let key = SigningKey::generate(KeyType::P256).unwrap();
        let transmitter = Transmitter::builder("edr", key).ca_bundle(ca).build().unwrap();
        let receiver =
            Receiver::builder(url, "https://receiver.example.net").allow_loopback().build().unwrap();
        let diagnosis =
            transmitter.doctor(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await;
        let check = diagnosis.check("tls-version").unwrap();
        assert!(check.message.contains(says), "{}", check.message);
    }
}

#[tokio::test]
async fn the_doctor_finds_a_certificate_that_is_not_trusted() {
    let (url, _) = server("localhost", &[&TLS13]).await;
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let transmitter = Transmitter::builder("edr", key).build().unwrap();
    let receiver = Receiver::builder(url, "https://receiver.example.net").allow_loopback().build().unwrap();
    let diagnosis = transmitter.doctor(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await;
    assert_eq!(diagnosis.check("tls-version").unwrap().outcome, ssf_transmitter::client::Outcome::Failed);
}
