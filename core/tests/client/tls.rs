//! Delivery over real TLS.

use crate::net::{Identity, Tls, TlsServer, authority, certificate_for};
use crate::server::Server;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd};
use rustls::version::{TLS12, TLS13};
use ssf_transmitter::{
    Error, ErrorCode, KeyType, Network, Receipt, Receiver, SigningKey, Subject, Transmitter,
    client::{Check, Outcome, TransmitterBuilder},
    delivery::{ReceiptNote, RetryPolicy},
    event::caep,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

fn builder() -> TransmitterBuilder {
    Transmitter::builder("https://edr.example.com", SigningKey::generate(KeyType::Ed25519).unwrap())
}

fn receiver(url: &str) -> Receiver {
    Receiver::builder(url, "aud").allow_loopback().build().unwrap()
}

async fn emit(builder: TransmitterBuilder, url: &str) -> Result<Receipt, Error> {
    let receiver = receiver(url);
    builder.build()?.emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await
}

/// What the doctor says of TLS.
async fn examined(builder: TransmitterBuilder, url: &str) -> Check {
    let transmitter = builder.build().unwrap();
    let diagnosis =
        transmitter.doctor(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver(url)).await;
    diagnosis.check("tls-version").unwrap().clone()
}

/// Checks that no SET is sent, with this code and a message that contains these parts, and that the doctor agrees.
#[track_caller]
fn fails<'a>(
    make: impl Fn() -> TransmitterBuilder + 'a,
    url: &'a str,
    code: ErrorCode,
    parts: &'a [&'a str],
) -> impl Future<Output = ()> + 'a {
    let place = std::panic::Location::caller();
    async move {
        let error = emit(make(), url).await.unwrap_err();
        assert_eq!(error.code(), code, "{place}: {error}");
        let check = examined(make(), url).await;
        assert_eq!(check.outcome, Outcome::Failed, "{place}: {check:?}");
        assert_eq!(check.remedy, code.remedy(), "{place}");
        for part in parts {
            assert!(error.message().contains(part), "{place}: {error} does not say {part}");
            assert!(check.message.contains(part), "{place}: {check:?} does not say {part}");
        }
    }
}

#[tokio::test]
async fn tls_1_2_and_1_3_are_spoken_with_a_trusted_receiver() {
    let authority = authority();
    let identity = Identity::new(&certificate_for("localhost"), &authority);
    for (versions, says) in [(vec![&TLS12], "TLS 1.2"), (vec![&TLS13], "TLS 1.3")] {
        let server = TlsServer::start(&Tls { versions, ..Tls::default() }, &identity).await;
        let trusting = || builder().network(Network::new().ca_bundle(authority.pem()));
        assert_eq!(emit(trusting(), &server.url()).await.unwrap().status(), 202);
        let check = examined(trusting(), &server.url()).await;
        assert!(check.outcome == Outcome::Passed && check.message.contains(says), "{check:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_ends_without_close_notify_has_taken_the_set() {
    let authority = authority();
    let identity = Identity::new(&certificate_for("localhost"), &authority);
    for versions in [vec![&TLS12], vec![&TLS13]] {
        let answer = b"HTTP/1.1 202 Accepted\r\n\r\nqueued";
        let tls = Tls { versions, answer, ends_abruptly: true, ..Tls::default() };
        let server = TlsServer::start(&tls, &identity).await;
        let receipt =
            emit(builder().network(Network::new().ca_bundle(authority.pem())), &server.url()).await.unwrap();
        assert_eq!((receipt.attempts(), receipt.notes()), (1, &[ReceiptNote::BodyBroken][..]));
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_has_a_code_of_its_own() {
    let authority = authority();
    let trusting = || builder().network(Network::new().ca_bundle(authority.pem()));
    let mut expired = certificate_for("localhost");
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 2, 3);
    let mut future = certificate_for("localhost");
    future.not_before = date_time_ymd(2090, 1, 1);
    future.not_after = date_time_ymd(2091, 1, 1);
    let mut client = certificate_for("localhost");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut ca = certificate_for("localhost");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let many: Vec<_> = (0..9).map(|number| format!("host-{number}.example")).collect();

    let cases: [(CertificateParams, ErrorCode, &[&str]); 7] = [
        (expired, ErrorCode::TlsCertificateExpired, &["localhost", "expired on Wed, 03 Feb 2021", "clock"]),
        (future, ErrorCode::TlsCertificateNotYetValid, &["not valid before Sun, 01 Jan 2090", "clock"]),
        (certificate_for("other.example"), ErrorCode::TlsCertificateName, &["for other.example,"]),
        (
            CertificateParams::new(many).unwrap(),
            ErrorCode::TlsCertificateName,
            &["host-0.example, host-1.example, host-2.example and 6 more"],
        ),
        (CertificateParams::new([]).unwrap(), ErrorCode::TlsCertificateName, &["subjectAltName"]),
        (client, ErrorCode::TlsCertificateInvalid, &["extended key usage"]),
        (ca, ErrorCode::TlsCertificateInvalid, &["CA:TRUE"]),
    ];
    for (params, code, parts) in cases {
        let identity = Identity::new(&params, &authority);
        for versions in [vec![&TLS12], vec![&TLS13]] {
            let server = TlsServer::start(&Tls { versions, ..Tls::default() }, &identity).await;
            fails(trusting, &server.url(), code, parts).await;
            assert!(code.is_retryable(), "the receiver may renew its certificate");
            assert_eq!(server.attempts(), 2, "one attempt of a delivery, and the doctor's");
        }
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_untrusted() {
    let untrusted = async |identity: &Identity, make: &dyn Fn() -> TransmitterBuilder| {
        let server = TlsServer::start(&Tls::default(), identity).await;
        fails(make, &server.url(), ErrorCode::TlsCertificateUntrusted, &["localhost", "trusted"]).await;
    };
    // A private CA, or a proxy that intercepts TLS.
    untrusted(&Identity::new(&certificate_for("localhost"), &authority()), &builder).await;
    untrusted(&Identity::self_signed(&certificate_for("localhost")), &builder).await;
    let another = authority();
    let identity = Identity::new(&certificate_for("localhost"), &authority());
    untrusted(&identity, &|| builder().network(Network::new().ca_bundle(another.pem()))).await;

    // An intermediate certificate that the server does not send.
    let root = authority();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Intermediate");
    let intermediate =
        rcgen::CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &root).unwrap();
    let mut identity = Identity::new(&certificate_for("localhost"), &intermediate);
    untrusted(&identity, &|| builder().network(Network::new().ca_bundle(root.pem()))).await;
    identity.chain.push(intermediate.der().clone());
    let server = TlsServer::start(&Tls::default(), &identity).await;
    emit(builder().network(Network::new().ca_bundle(root.pem())), &server.url()).await.unwrap();
}

#[tokio::test]
async fn an_authority_of_the_same_name_with_another_key_is_untrusted() {
    let named = || {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "Corporate CA");
        rcgen::CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (old, new) = (named(), named());
    let identity = Identity::new(&certificate_for("localhost"), &new);
    let server = TlsServer::start(&Tls::default(), &identity).await;
    let trusting = || builder().network(Network::new().ca_bundle(old.pem()));
    fails(trusting, &server.url(), ErrorCode::TlsCertificateUntrusted, &["signed by the trusted"]).await;
}

#[tokio::test]
async fn a_certificate_of_x_509_version_1_is_invalid() {
    use openssl::{asn1::Asn1Time, ec, hash::MessageDigest, nid::Nid, pkey::PKey, x509::X509};
    use rustls::pki_types::pem::PemObject as _;

    let group = ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(ec::EcKey::generate(&group).unwrap()).unwrap();
    let mut certificate = X509::builder().unwrap();
    certificate.set_version(0).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    certificate.set_pubkey(&key).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let pem = certificate.build().to_pem().unwrap();
    let key =
        KeyPair::from_pem(&String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap()).unwrap();
    let chain = vec![rustls::pki_types::CertificateDer::from_pem_slice(&pem).unwrap()];
    let identity = Identity { chain, pem: String::from_utf8(pem).unwrap(), key };
    let url = openssl_server(&identity, |_| {});
    fails(builder, &url, ErrorCode::TlsCertificateInvalid, &["X.509 version 1"]).await;
}

/// A server by OpenSSL, for what rustls does not speak.
fn openssl_server(identity: &Identity, set: impl FnOnce(&mut openssl::ssl::SslAcceptorBuilder)) -> String {
    use openssl::{pkey::PKey, ssl, x509::X509};

    let mut builder = ssl::SslAcceptor::mozilla_intermediate_v5(ssl::SslMethod::tls_server()).unwrap();
    builder.set_certificate(&X509::from_pem(identity.pem.as_bytes()).unwrap()).unwrap();
    builder
        .set_private_key(&PKey::private_key_from_pem(identity.key.serialize_pem().as_bytes()).unwrap())
        .unwrap();
    set(&mut builder);
    let acceptor = builder.build();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/events", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            drop(acceptor.accept(stream));
        }
    });
    url
}

#[tokio::test]
async fn an_old_version_and_foreign_cipher_suites_are_incompatible() {
    let authority = authority();
    let identity = Identity::new(&certificate_for("localhost"), &authority);
    let trusting = || builder().network(Network::new().ca_bundle(authority.pem()));
    let url = openssl_server(&identity, |builder| {
        builder.set_min_proto_version(None).unwrap();
        builder.set_max_proto_version(Some(openssl::ssl::SslVersion::TLS1_1)).unwrap();
        builder.set_options(openssl::ssl::SslOptions::empty());
        builder.clear_options(openssl::ssl::SslOptions::NO_TLSV1_1 | openssl::ssl::SslOptions::NO_TLSV1);
        builder.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    });
    fails(trusting, &url, ErrorCode::TlsIncompatible, &["TLS 1.2"]).await;
    let url = openssl_server(&identity, |builder| {
        builder.set_max_proto_version(Some(openssl::ssl::SslVersion::TLS1_2)).unwrap();
        // Without forward secrecy; an RSA key would be needed, too.
        builder.set_cipher_list("AES128-SHA").unwrap();
    });
    fails(trusting, &url, ErrorCode::TlsIncompatible, &["cipher suite"]).await;
}

#[tokio::test]
async fn a_port_without_tls_is_told_as_such() {
    let server = Server::always(202, &[], "").await;
    let url = server.url("/events").replace("http://127.0.0.1", "https://localhost");
    fails(builder, &url, ErrorCode::TlsNotSpoken, &["localhost", "does not speak TLS"]).await;

    // One that speaks first, such as a mail server.
    let url = raw_server(b"220 mail.example ESMTP\r\n").await;
    fails(builder, &url, ErrorCode::TlsNotSpoken, &["does not speak TLS"]).await;
}

/// A server that reads what comes, writes these bytes, and closes the connection.
async fn raw_server(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/events", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 16 * 1024]).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    url
}

#[tokio::test]
async fn a_handshake_that_the_server_breaks_off_is_judged_by_its_alert() {
    // A record of two bytes (RFC 8446 §5.1): fatal, and the alert of §6.2.
    for (record, code, says) in [
        (&b"\x15\x03\x03\x00\x02\x02\x28"[..], ErrorCode::TlsIncompatible, "cipher suite"),
        (b"\x15\x03\x03\x00\x02\x02\x46", ErrorCode::TlsIncompatible, "TLS 1.2"),
        (b"\x15\x03\x03\x00\x02\x02\x78", ErrorCode::TlsIncompatible, "ALPN"),
        (b"\x15\x03\x03\x00\x02\x02\x70", ErrorCode::TlsCertificateName, "no certificate for this name"),
        (b"\x15\x03\x03\x00\x02\x02\x74", ErrorCode::TlsClientCertificateRequired, "client certificate"),
        (b"\x15\x03\x03\x00\x02\x02\x2f", ErrorCode::TlsFailed, "IllegalParameter"),
    ] {
        let url = raw_server(record).await;
        fails(builder, &url, code, &[says]).await;
    }
    // The server failed, or went away: it may be back the next moment.
    for record in [&b"\x15\x03\x03\x00\x02\x02\x50"[..], b""] {
        let url = raw_server(record).await;
        let once = builder().retry(RetryPolicy::once());
        let error = emit(once, &url).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConnectionFailed, "{error}");
    }
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_offered() {
    let authority = authority();
    let identity = Identity::new(&certificate_for("localhost"), &authority);
    let protocol = async |protocols: &'static [&'static [u8]], http1_only: bool| {
        let server = TlsServer::start(&Tls { protocols, ..Tls::default() }, &identity).await;
        let mut builder =
            builder().network(Network::new().ca_bundle(authority.pem())).retry(RetryPolicy::once());
        if http1_only {
            builder = builder.network(Network::new().ca_bundle(authority.pem()).http1_only());
        }
        // The server speaks HTTP/1.1 only; what was agreed on is what counts here.
        let _ = emit(builder, &server.url()).await;
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
    let (authority, clients) = (authority(), authority());
    let identity = Identity::new(&certificate_for("localhost"), &authority);
    let good = Identity::new(&certificate_for("edr.example.com"), &clients);
    let unknown = Identity::new(&certificate_for("edr.example.com"), &crate::net::authority());
    let mut params = certificate_for("edr.example.com");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    let expired = Identity::new(&params, &clients);

    for versions in [vec![&TLS12], vec![&TLS13]] {
        let tls = Tls { versions, clients: Some(clients.der().clone()), ..Tls::default() };
        let server = TlsServer::start(&tls, &identity).await;
        let with = |client: &Identity| {
            let network = Network::new().ca_bundle(authority.pem());
            builder().network(network.client_certificate(client.pem.clone(), client.key.serialize_pem()))
        };
        let url = server.url();
        assert_eq!(emit(with(&good), &url).await.unwrap().status(), 202);
        assert_eq!(server.connections.lock().unwrap()[0].1, 1);
        assert_eq!(examined(with(&good), &url).await.outcome, Outcome::Passed);
        server.connections.lock().unwrap().clear();

        let (required, refused) =
            (ErrorCode::TlsClientCertificateRequired, ErrorCode::TlsClientCertificateRefused);
        let none = || builder().network(Network::new().ca_bundle(authority.pem()));
        fails(none, &url, required, &["localhost", "requires a client certificate"]).await;
        fails(|| with(&unknown), &url, refused, &["localhost", "its CA is unknown"]).await;
        fails(|| with(&expired), &url, refused, &["localhost", "expired"]).await;
        assert_eq!(*server.connections.lock().unwrap(), [], "no other connection came about");
        assert_eq!(server.attempts(), 8, "no delivery was tried twice");
    }
}
