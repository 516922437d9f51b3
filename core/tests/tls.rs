//! Delivery over real TLS.

#![cfg(feature = "client")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};
use ssf_transmitter::{
    Error, ErrorCode, KeyType, Receipt, Receiver, SigningKey, Subject, Transmitter, event::caep,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

/// A receiver over TLS that takes every SET; its certificate is for `name`, by the authority that is returned (PEM).
async fn server(name: &str, versions: &[&'static SupportedProtocolVersion]) -> (String, String) {
    let mut authority = CertificateParams::new([]).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();

    let private_key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private_key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/events", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 16 * 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (url, authority.pem())
}

async fn emit(url: &str, ca_bundle: Option<&str>) -> Result<Receipt, Error> {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    let mut builder = Transmitter::builder("https://edr.example.com", key);
    if let Some(pem) = ca_bundle {
        builder = builder.ca_bundle(pem);
    }
    let receiver = Receiver::builder(url, "aud").build().unwrap();
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
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (url, _) = server("localhost", &[&TLS13]).await;
    assert_eq!(emit(&url, None).await.unwrap_err().code(), ErrorCode::ConnectionFailed);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    let (url, ca) = server("other.example", &[&TLS13]).await;
    assert_eq!(emit(&url, Some(&ca)).await.unwrap_err().code(), ErrorCode::ConnectionFailed);
}

#[test]
fn a_ca_bundle_that_is_none_is_refused() {
    for bundle in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let key = SigningKey::generate(KeyType::Ed25519).unwrap();
        let built = Transmitter::builder("https://edr.example.com", key).ca_bundle(bundle).build();
        assert_eq!(built.map(|_| ()).unwrap_err().code(), ErrorCode::ConfigurationInvalid);
    }
}
