//! TLS: whom a store trusts, what it presents, and when it goes without.

use crate::{common::server::Server, prepared::prepares};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair,
};
use ssf_transmitter::{Error, ErrorCode, outbox::Store};
use ssf_transmitter_postgres::{Builder, PostgresStore};
use tokio_postgres::NoTls;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key, for a host or a user.
fn certificate(ca: &Authority, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, ca).unwrap().pem(), key.serialize_pem())
}

/// A server whose certificate is for `localhost`. `mutual` has to present a certificate, and `secret` a password, both with TLS.
async fn server(ca: &Authority) -> Server {
    let (certificate, key) = certificate(ca, "localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let access =
        "hostssl all mutual all cert\nhostssl all secret all scram-sha-256\nhost all postgres all trust\n";
    let files =
        [("server.crt", &*certificate), ("server.key", &key), ("ca.crt", &ca.pem()), ("pg_hba.conf", access)];
    let server = Server::configured(false, &files, &["ssl=on", "ssl_ca_file=ca.crt", "log_statement=all"]);
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    let roles = "CREATE ROLE mutual LOGIN SUPERUSER; CREATE ROLE secret LOGIN SUPERUSER PASSWORD 'hunter2'";
    client.batch_execute(roles).await.unwrap();
    PostgresStore::builder(server.url()).migrate().await.unwrap();
    server
}

fn store(server: &Server, user: &str, host: &str, query: &str) -> Builder {
    PostgresStore::builder(format!("postgresql://{user}@{host}:{}/postgres?{query}", server.port()))
}

async fn counts(builder: Builder) -> Result<u64, Error> {
    Ok(builder.connect().await?.counts().await?.enqueued)
}

async fn refused(builder: Builder, words: &str) {
    let error = counts(builder).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::OutboxUnavailable);
    assert!(error.to_string().contains(words), "{words}: {error}");
    assert!(!error.to_string().contains("hunter2"));
}

#[tokio::test]
async fn the_server_is_verified_and_the_client_presents_itself() {
    let ca = authority("ours");
    let server = server(&ca).await;
    let trusting = |builder: Builder| builder.ca_bundle(ca.pem());

    // On this machine, TLS is off unless the URL asks for it.
    counts(store(&server, "postgres", "localhost", "")).await.unwrap();
    counts(store(&server, "postgres", "localhost", "sslmode=disable")).await.unwrap();
    refused(store(&server, "secret:hunter2", "localhost", ""), "rejects the user").await;

    for mode in ["require", "verify-ca", "verify-full"] {
        let query = format!("sslmode={mode}");
        let secret = |host| store(&server, "secret:hunter2", host, &query);
        counts(trusting(secret("localhost"))).await.unwrap();
        refused(secret("localhost"), "unknown authority").await;
        refused(trusting(secret("127.0.0.1")), "for another name").await;
        let stranger = authority("stranger").pem();
        refused(secret("localhost").ca_bundle(stranger), "unknown authority").await;
    }

    // The password is tied to the connection, so nobody in between can use it; without TLS, there is nothing to tie it to.
    let bound = |query| counts(trusting(store(&server, "secret:hunter2", "localhost", query)));
    bound("sslmode=require&channel_binding=require").await.unwrap();
    bound("sslmode=require&channel_binding=disable").await.unwrap();
    let unbound = store(&server, "postgres", "localhost", "channel_binding=require");
    refused(unbound, "offers no way to log in").await;
    let certificate_alone = store(&server, "mutual", "localhost", "sslmode=require&channel_binding=require");
    let (presented, key) = certificate(&ca, "mutual", ExtendedKeyUsagePurpose::ClientAuth);
    refused(trusting(certificate_alone).client_certificate(presented, key), "offers no way to log in").await;

    let mutual = || trusting(store(&server, "mutual", "localhost", "sslmode=verify-full"));
    refused(mutual(), "").await;
    let (certificate, key) = self::certificate(&ca, "mutual", ExtendedKeyUsagePurpose::ClientAuth);
    counts(mutual().client_certificate(certificate, key)).await.unwrap();
    let (other, key) = self::certificate(&ca, "another", ExtendedKeyUsagePurpose::ClientAuth);
    refused(mutual().client_certificate(other, key), "rejects the user").await;

    // It leads to the server itself, too.
    prepares(&server, &trusting(store(&server, "secret:hunter2", "localhost", "sslmode=require"))).await;
}
