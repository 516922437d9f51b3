//! The address that connections leave from: every one of 127.0.0.0/8 is this machine on Linux.

#![cfg(all(feature = "client", target_os = "linux"))]

use std::net::{IpAddr, Ipv4Addr};

use crate::net::{Behaviour, ConnectProxy, Identity, Tls, TlsServer, authority, certificate_for};
use crate::server::Server;
use ssf_transmitter::{
    ErrorCode, KeyType, Network, OktaProviders, Receiver, SigningKey, Subject, Transmitter,
    client::{Outcome, TransmitterBuilder},
    delivery::RetryPolicy,
    event::caep,
    token::ClientCredentials,
};

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// For documentation (RFC 5737): no machine has it.
const ELSEWHERE: &str = "192.0.2.7";

fn builder(network: Network) -> TransmitterBuilder {
    let key = SigningKey::generate(KeyType::Ed25519).unwrap();
    Transmitter::builder("https://edr.example.com", key).retry(RetryPolicy::once()).network(network)
}

#[tokio::test]
async fn pushes_and_token_requests_leave_from_it() {
    let server = Server::start(|seen, _| match seen.path.as_str() {
        "/token" => (200, Vec::new(), br#"{ "access_token": "t", "token_type": "Bearer" }"#.to_vec()),
        _ => (202, Vec::new(), Vec::new()),
    })
    .await;
    let credentials = ClientCredentials::new(server.url("/token"), "client", "secret");
    let receiver = Receiver::builder(server.url("/events"), "aud")
        .client_credentials(credentials)
        .allow_loopback()
        .build()
        .unwrap();
    let transmitter = builder(Network::new().source_address(SOURCE)).build().unwrap();
    transmitter.emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|seen| seen.peer == SOURCE), "{seen:?}");

    let diagnosis = transmitter.doctor(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await;
    let check = diagnosis.check("source-address").unwrap();
    assert_eq!(check.outcome, Outcome::Passed);
    assert!(check.message.contains("127.0.0.2") && check.message.contains("NAT"), "{check:?}");
}

#[tokio::test]
async fn oktas_api_is_called_from_it() {
    let server = Server::always(200, &[], "[]").await;
    let providers = OktaProviders::builder(&server.base)
        .ssws("token")
        .allow_loopback()
        .network(Network::new().source_address("127.0.0.2"))
        .build()
        .unwrap();
    providers.list().await.unwrap();
    assert!(server.seen().iter().all(|seen| seen.peer == SOURCE), "{:?}", server.seen());
}

#[tokio::test]
async fn tls_handshakes_and_tunnels_leave_from_it() {
    let authority = authority();
    let tls = Tls { protocols: &[b"http/1.1"], ..Tls::default() };
    let server = TlsServer::start(&tls, &Identity::new(&certificate_for("localhost"), &authority)).await;
    let network = Network::new().ca_bundle(authority.pem()).source_address(SOURCE);
    let receiver = Receiver::builder(server.url(), "aud").allow_loopback().build().unwrap();
    let (event, subject) = (caep::SessionRevoked::new(), Subject::opaque("1"));
    let direct = builder(network.clone()).build().unwrap();
    direct.emit(event.clone(), subject.clone(), &receiver).await.unwrap();
    let diagnosis = direct.doctor(event.clone(), subject.clone(), &receiver).await;
    assert_eq!(diagnosis.check("tls-version").unwrap().outcome, Outcome::Passed);
    let peers = server.peers.lock().unwrap().clone();
    assert!(peers.len() == 2 && peers.iter().all(|peer| *peer == SOURCE), "{peers:?}");

    let behind =
        TlsServer::start(&tls, &Identity::new(&certificate_for("receiver.invalid"), &authority)).await;
    let proxy = ConnectProxy::start(Behaviour::Tunnel(behind.address)).await;
    let receiver = Receiver::builder("https://receiver.invalid/events", "aud").build().unwrap();
    let proxied = builder(network.proxy(proxy.url())).build().unwrap();
    proxied.emit(event.clone(), subject.clone(), &receiver).await.unwrap();
    let diagnosis = proxied.doctor(event, subject, &receiver).await;
    assert_eq!(diagnosis.check("tls-version").unwrap().outcome, Outcome::Passed);
    let check = diagnosis.check("source-address").unwrap();
    assert!(check.message.contains("127.0.0.2") && check.message.contains("of the proxy"), "{check:?}");
    let peers = proxy.peers.lock().unwrap().clone();
    assert!(peers.len() >= 2 && peers.iter().all(|peer| *peer == SOURCE), "{peers:?}");
}

#[tokio::test]
async fn an_address_that_cannot_be_used_is_refused() {
    for (given, code) in [
        ("", ErrorCode::SourceAddressInvalid),
        ("localhost", ErrorCode::SourceAddressInvalid),
        ("127.0.0.1:443", ErrorCode::SourceAddressInvalid),
        ("10.0.0.0/8", ErrorCode::SourceAddressInvalid),
        ("0.0.0.0", ErrorCode::SourceAddressInvalid),
        ("224.0.0.1", ErrorCode::SourceAddressInvalid),
        (ELSEWHERE, ErrorCode::SourceAddressUnavailable),
    ] {
        let network = Network::new().source_address(given);
        let error = builder(network.clone()).build().unwrap_err();
        assert_eq!(error.code(), code, "{given}");
        let okta = OktaProviders::builder("https://acme.okta.com").ssws("token").network(network);
        assert_eq!(okta.build().unwrap_err().code(), code, "{given}");
    }
    assert!(builder(Network::new().source_address(" 127.0.0.1\n")).build().is_ok());
}

#[tokio::test]
async fn a_host_of_the_other_family_is_not_reached() {
    let Ok(transmitter) = builder(Network::new().source_address("::1")).build() else {
        // Without IPv6 this machine does not have the address, which is what the error says.
        let error = builder(Network::new().source_address("::1")).build().unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceAddressUnavailable);
        return;
    };
    let server = Server::always(202, &[], "").await;
    let receiver = server.receiver();
    let result = transmitter.emit(caep::SessionRevoked::new(), Subject::opaque("1"), &receiver).await;
    let error = result.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceAddressUnavailable);
    assert!(error.message().contains("IPv6"), "{error}");
    assert!(server.seen().is_empty());
}
