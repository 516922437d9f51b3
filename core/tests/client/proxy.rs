//! Deliveries through a proxy, and what goes wrong with one.

use std::{process::Command, sync::Arc};

use crate::net::{Authority, Behaviour, ConnectProxy, Identity, Tls, TlsServer, authority, certificate_for};
use crate::server::Server;
use ssf_transmitter::{
    Error, ErrorCode, KeyType, Network, OktaProviders, Receipt, Receiver, SigningKey, Subject, Transmitter,
    client::{Diagnosis, Outcome, TransmitterBuilder},
    event::caep,
    token::ClientCredentials,
};

/// A receiver that only the proxy finds (RFC 6761 §6.4).
const RECEIVER: &str = "https://receiver.invalid/events";

fn builder(proxy: &str) -> TransmitterBuilder {
    through(Network::new().proxy(proxy))
}

/// A builder that trusts these certificates (PEM), too.
fn trusting(proxy: &str, certificates: &[&str]) -> TransmitterBuilder {
    let network = Network::new().proxy(proxy);
    through(certificates.iter().fold(network, |network, pem| network.ca_bundle(*pem)))
}

fn through(network: Network) -> TransmitterBuilder {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    Transmitter::builder("https://edr.example.com", key).network(network)
}

fn receiver(url: &str) -> Receiver {
    Receiver::builder(url, "aud").build().unwrap()
}

async fn emit(builder: TransmitterBuilder, url: &str) -> Result<Receipt, Error> {
    let event = caep::SessionRevoked::new();
    builder.build()?.emit(event, Subject::opaque("1"), &receiver(url)).await
}

async fn diagnose(builder: TransmitterBuilder, url: &str) -> Diagnosis {
    let event = caep::SessionRevoked::new();
    builder.build().unwrap().doctor(event, Subject::opaque("1"), &receiver(url)).await
}

/// A proxy, the receiver behind it, and who issued the receiver's certificate.
async fn reachable() -> (ConnectProxy, TlsServer, Authority) {
    let authority = authority();
    let identity = Identity::new(&certificate_for("receiver.invalid"), &authority);
    let tls = Tls { protocols: &[b"http/1.1"], ..Tls::default() };
    let server = TlsServer::start(&tls, &identity).await;
    (ConnectProxy::start(Behaviour::Tunnel(server.address)).await, server, authority)
}

/// The name of this machine, which leads to a private or loopback address.
fn machine() -> String {
    let output = Command::new("hostname").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_proxy_by_a_name_that_leads_to_a_private_address_is_used() {
    let (proxy, _server, authority) = reachable().await;
    for host in [machine(), "localhost".to_owned(), "127.0.0.1".to_owned()] {
        let trusting = || trusting(&format!("http://{host}:{}", proxy.port), &[&authority.pem()]);
        assert_eq!(emit(trusting(), RECEIVER).await.unwrap().status(), 202);
        let diagnosis = diagnose(trusting(), RECEIVER).await;
        assert_eq!(diagnosis.check("tls-version").unwrap().message, "receiver.invalid speaks TLS 1.3");
        let check = diagnosis.check("proxy").unwrap();
        assert_eq!(check.outcome, Outcome::Passed);
        for part in [&format!("the proxy {host}:{} (`proxy`)", proxy.port), "resolves host names itself"] {
            assert!(check.message.contains(part), "{}", check.message);
        }
    }
    let requests = proxy.requests();
    assert!(requests.iter().all(|head| head.starts_with("CONNECT ")), "{requests:?}");
    assert!(requests[0].contains("CONNECT receiver.invalid:443 HTTP/1.1\r\nHost: receiver.invalid:443\r\n"));
    assert!(requests[0].contains("User-Agent: ssf-transmitter/") && !requests[0].contains("Authorization"));
}

#[tokio::test]
async fn the_guard_judges_what_urls_say_behind_a_proxy_too() {
    let (proxy, _server, authority) = reachable().await;
    for host in ["10.0.0.1", "[::1]", "169.254.169.254", "localhost", "localhost.", "metadata.localhost"] {
        let url = format!("https://{host}/events");
        let error = emit(builder(&proxy.url()), &url).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::AddressForbidden, "{host}: {error}");
    }
    assert_eq!(proxy.requests(), [] as [String; 0]);
    // A receiver by the name of the proxy goes through the proxy like any other.
    let machine = machine();
    let by_name = format!("http://{machine}:{}", proxy.port);
    let error = emit(trusting(&by_name, &[&authority.pem()]), &format!("https://{machine}/events")).await;
    assert_eq!(error.unwrap_err().code(), ErrorCode::TlsCertificateName);
}

#[tokio::test]
async fn this_machine_is_reached_without_the_proxy() {
    let server = Server::always(202, &[], "").await;
    let proxy = ConnectProxy::start(Behaviour::Silence).await;
    let transmitter = builder(&proxy.url()).build().unwrap();
    let event = caep::SessionRevoked::new();
    transmitter.emit(event.clone(), Subject::opaque("1"), &server.receiver()).await.unwrap();
    assert!(proxy.requests().is_empty());
    let diagnosis = transmitter.doctor(event, Subject::opaque("1"), &server.receiver()).await;
    assert_eq!(diagnosis.check("proxy").unwrap().outcome, Outcome::Skipped);
}

#[tokio::test]
async fn credentials_in_the_url_of_the_proxy_are_sent_and_never_shown() {
    let (proxy, server, authority) = reachable().await;
    let url = format!("http://ada:s3cr%40t@127.0.0.1:{}", proxy.port);
    emit(trusting(&url, &[&authority.pem()]), RECEIVER).await.unwrap();
    // `ada:s3cr@t`
    assert!(proxy.requests()[0].contains("\r\nProxy-Authorization: Basic YWRhOnMzY3JAdA==\r\n"));
    assert_eq!(server.connections.lock().unwrap().len(), 1);

    let refusing = ConnectProxy::start(Behaviour::Answer("HTTP/1.1 407 No\r\n\r\n")).await;
    let url = format!("http://ada:s3cr%40t@127.0.0.1:{}", refusing.port);
    let error = emit(builder(&url), RECEIVER).await.unwrap_err();
    let diagnosis = diagnose(builder(&url), RECEIVER).await;
    let built = builder(&url).build().unwrap();
    for text in [format!("{error:?} {error}"), format!("{diagnosis:?}"), format!("{built:?}")] {
        assert!(!text.contains("s3cr") && !text.contains("YWRh"), "{text}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_a_tunnel_is_asked_once() {
    const NTLM: &str = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: NTLM\r\n\
                        Proxy-Authenticate: Negotiate\r\ncontent-length: 2\r\n\r\nno";
    const BASIC: &str = "HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate, Basic realm=\"x\"\r\n\r\n";
    for (answer, status, says) in [
        (BASIC, 407, "user name and password"),
        (NTLM, 407, "only NTLM and Negotiate"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", 403, "tunnel to receiver.invalid:443"),
        ("HTTP/1.0 404 Not Found\r\n\r\n", 404, "tunnel to receiver.invalid:443"),
        ("HTTP/1.1 405 Method Not Allowed\r\n\r\n", 405, "tunnel"),
        ("HTTP/1.1 302 Found\r\nlocation: http://login.example\r\n\r\n", 302, "tunnel"),
        ("HTTP/1.1 511 Network Authentication Required\r\n\r\n", 511, "tunnel"),
    ] {
        let proxy = ConnectProxy::start(Behaviour::Answer(answer)).await;
        let error = emit(builder(&proxy.url()), RECEIVER).await.unwrap_err();
        assert_eq!((error.code(), error.status()), (ErrorCode::ProxyRefused, Some(status)), "{error}");
        assert!(!error.is_retryable());
        assert_eq!(proxy.requests().len(), 1, "{status}");
        let named = format!("the proxy 127.0.0.1:{} (`proxy`) answered {status}", proxy.port);
        for part in [named.as_str(), says] {
            assert!(error.message().contains(part), "{error} does not say {part}");
        }
        let diagnosis = diagnose(builder(&proxy.url()), RECEIVER).await;
        let check = diagnosis.check("tls-version").unwrap();
        assert_eq!(check.outcome, Outcome::Failed);
        assert!(check.message.contains(&named), "{check:?}");
    }
}

#[tokio::test]
async fn a_proxy_that_does_not_reach_the_receiver_is_asked_again() {
    for status in [429, 500, 502, 503, 504] {
        let answer: &'static str = format!("HTTP/1.1 {status} Later\r\n\r\n").leak();
        let proxy = ConnectProxy::start(Behaviour::Answer(answer)).await;
        let error = emit(builder(&proxy.url()), RECEIVER).await.unwrap_err();
        assert_eq!((error.code(), error.status()), (ErrorCode::ProxyUnavailable, Some(status)), "{error}");
        assert!(error.is_retryable());
        assert_eq!(proxy.requests().len(), 6, "{status}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_with_its_setting() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let garbage = ConnectProxy::start(Behaviour::Answer("220 mail.example ESMTP\r\n\r\n")).await;
    let empty = ConnectProxy::start(Behaviour::Answer("")).await;
    for (url, says) in [
        (format!("http://ada:s3cret@127.0.0.1:{closed}"), "connection refused"),
        ("http://proxy.invalid:3128".to_owned(), "could not be resolved"),
        (garbage.url(), "HTTP proxy"),
        (empty.url(), "closed the connection"),
    ] {
        let key = SigningKey::generate(KeyType::Ed25519).unwrap();
        let once = Transmitter::builder("https://edr.example.com", key)
            .network(Network::new().proxy(&url))
            .retry(ssf_transmitter::delivery::RetryPolicy::once());
        let error = emit(once, RECEIVER).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ProxyUnreachable, "{error}");
        assert!(error.is_retryable());
        assert!(error.message().contains(says) && error.message().contains("(`proxy`)"), "{error}");
        assert!(
            !error.message().contains("receiver.invalid") && !error.message().contains("s3cret"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_proxy_over_tls_has_its_own_certificate_judged() {
    let (proxies, receivers) = (authority(), authority());
    let identity = Identity::new(&certificate_for("receiver.invalid"), &receivers);
    let server = TlsServer::start(&Tls::default(), &identity).await;
    let over_tls = async |name: &str| {
        let tls = Tls::default().config(&Identity::new(&certificate_for(name), &proxies));
        ConnectProxy::start_over(Behaviour::Tunnel(server.address), Some(tls)).await
    };
    let proxy = over_tls("localhost").await;
    let url = format!("https://localhost:{}", proxy.port);
    let both = || trusting(&url, &[&proxies.pem(), &receivers.pem()]);
    assert_eq!(emit(both(), RECEIVER).await.unwrap().status(), 202);
    assert_eq!(diagnose(both(), RECEIVER).await.check("tls-version").unwrap().outcome, Outcome::Passed);

    let named = |proxy: &ConnectProxy| format!("the proxy localhost:{} (`proxy`)", proxy.port);
    let error = emit(trusting(&url, &[&receivers.pem()]), RECEIVER).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::TlsCertificateUntrusted);
    assert!(error.message().contains(&named(&proxy)), "{error}");
    let error = emit(trusting(&url, &[&proxies.pem()]), RECEIVER).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::TlsCertificateUntrusted);
    assert!(error.message().contains("receiver.invalid"), "{error}");

    let other = over_tls("other.example").await;
    let url = format!("https://localhost:{}", other.port);
    let error = emit(trusting(&url, &[&proxies.pem()]), RECEIVER).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::TlsCertificateName);
    assert!(error.message().contains(&named(&other)), "{error}");

    // A proxy that is spoken to over plain http, set as https.
    let listener = raw_http().await;
    let error = emit(builder(&format!("https://localhost:{listener}")), RECEIVER).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::TlsNotSpoken);
    assert!(error.message().contains("the proxy localhost"), "{error}");
}

/// The port of a server that answers anything in plain http.
async fn raw_http() -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    port
}

#[tokio::test]
async fn the_receiver_behind_a_proxy_has_its_certificate_judged() {
    let (proxy, server, _) = reachable().await;
    let error = emit(builder(&proxy.url()), RECEIVER).await.unwrap_err();
    assert_eq!(
        error.code(),
        ErrorCode::TlsCertificateUntrusted,
        "a proxy that intercepts TLS looks like that"
    );
    assert!(error.message().contains("receiver.invalid"), "{error}");
    assert_eq!((proxy.requests().len(), server.attempts()), (1, 1));
}

#[tokio::test]
async fn token_endpoints_and_apis_are_told_apart_from_their_proxy_too() {
    let proxy = ConnectProxy::start(Behaviour::Answer("HTTP/1.1 407 No\r\n\r\n")).await;
    let credentials = ClientCredentials::new("https://auth.invalid/token", "id", "s3cret");
    let receiver = Receiver::builder(RECEIVER, "aud").client_credentials(credentials).build().unwrap();
    let transmitter = builder(&proxy.url()).build().unwrap();
    let event = caep::SessionRevoked::new();
    let error = transmitter.emit(event, Subject::opaque("1"), &receiver).await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::ProxyRefused, Some(407)), "{error}");
    assert!(error.message().contains("token endpoint") && error.message().contains("`proxy`"), "{error}");

    let providers = OktaProviders::builder("https://acme.okta.invalid")
        .ssws("00a")
        .network(Network::new().proxy(proxy.url()));
    let error = providers.build().unwrap().list().await.unwrap_err();
    assert_eq!((error.code(), error.status()), (ErrorCode::ProxyRefused, Some(407)), "{error}");
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn http_2_is_spoken_through_a_proxy() {
    let authority = authority();
    let identity = Identity::new(&certificate_for("receiver.invalid"), &authority);
    let tls = Tls { protocols: &[b"h2", b"http/1.1"], ..Tls::default() };
    let acceptor = tokio_rustls::TlsAcceptor::from(tls.config(&identity));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes =
        axum::Router::new().fallback(axum::routing::any(|version: axum::http::Version| async move {
            assert_eq!(version, axum::http::Version::HTTP_2);
            axum::http::StatusCode::ACCEPTED
        }));
    let opened = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = opened.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let stream = acceptor.accept(stream).await.unwrap();
            let service = hyper_util::service::TowerToHyperService::new(routes.clone());
            tokio::spawn(async move {
                let executor = hyper_util::rt::TokioExecutor::new();
                let builder = hyper_util::server::conn::auto::Builder::new(executor);
                let _ = builder.serve_connection(hyper_util::rt::TokioIo::new(stream), service).await;
            });
        }
    });
    let proxy = ConnectProxy::start(Behaviour::Tunnel(address)).await;
    let transmitter = trusting(&proxy.url(), &[&authority.pem()]).build().unwrap();
    for _ in 0..3 {
        let event = caep::SessionRevoked::new();
        transmitter.emit(event, Subject::opaque("1"), &receiver(RECEIVER)).await.unwrap();
    }
    assert_eq!(opened.load(std::sync::atomic::Ordering::SeqCst), 1, "the connection is kept");
}
