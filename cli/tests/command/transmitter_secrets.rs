//! What `ssf transmitter` keeps secret: the key of its certificate, which is renewed in place.

use std::{fs, process::Stdio};

use reqwest::tls::Version;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::transmitter::{Transmitter, trusting};

#[tokio::test]
#[cfg(unix)]
async fn a_renewed_certificate_is_used_and_one_with_another_key_is_not() {
    let settings = r#"events = ["caep.session-revoked"]"#;
    let mut transmitter =
        Transmitter::start_as("transmitter-renewed", settings, Version::TLS_1_3, |program| {
            program.stderr(Stdio::piped())
        })
        .await;
    let mut said = BufReader::new(transmitter.child.stderr.take().unwrap()).lines();
    let metadata = format!("{}/.well-known/ssf-configuration", transmitter.url);
    let connect = async |certificate: &str| {
        let client = trusting(certificate, Version::TLS_1_3);
        client.get(&metadata).send().await
    };
    let at = |name: &str| format!("{}/{name}", transmitter.folder);
    let old = transmitter.certificate.clone();
    let renewed =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let new = renewed.cert.pem();

    // Its key is not there yet.
    fs::write(at("certificate.pem"), &new).unwrap();
    transmitter.signal("-HUP").await;
    let line = said.next_line().await.unwrap().unwrap();
    for part in ["the certificate in use stays", &at("certificate.pem"), "[configuration_invalid]"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert!(connect(&old).await.unwrap().status().is_success());
    assert!(connect(&new).await.unwrap_err().is_connect());

    fs::write(at("tls.pem"), renewed.signing_key.serialize_pem()).unwrap();
    transmitter.signal("-HUP").await;
    assert_eq!(said.next_line().await.unwrap().unwrap(), "the certificate is renewed");
    assert!(connect(&new).await.unwrap().status().is_success());
    assert!(connect(&old).await.unwrap_err().is_connect());
}
