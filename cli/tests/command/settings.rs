//! Settings of the command: keys, authorization, network, configuration, names.

use crate::common::{AUDIENCE, ISSUER};
use crate::program::{Run, ssf};
use serde_json::{Value, json};
use ssf_emulator::Published;
use ssf_emulator::{Client, Config, Emulator, KeySource, Like};
use ssf_transmitter::{Jwks, KeyType, SigningKey};

fn file(name: &str, text: impl AsRef<[u8]>) -> String {
    crate::program::file(&format!("settings-{name}"), text)
}

fn private_jwk(kind: KeyType, id: &str) -> Value {
    let key = SigningKey::generate(kind).unwrap().with_kid(id).unwrap();
    serde_json::from_str(key.export_private_jwk().unwrap().expose()).unwrap()
}

/// A dry run of `emit`.
async fn dry_run(more: &[&str]) -> Run {
    let endpoint = ["--endpoint", "https://receiver.example.net/events", "--audience", AUDIENCE];
    let event = ["--event", "caep.session-revoked", "--email", "ada@example.com", "--dry-run"];
    ssf(&[&["emit", "--issuer", ISSUER][..], &endpoint, &event, more].concat(), &[]).await
}

#[tokio::test]
async fn a_key_of_a_set_is_chosen_by_its_kid() {
    let set = json!({ "keys": [private_jwk(KeyType::P256, "a"), private_jwk(KeyType::P384, "b")] });
    let set = file("two-keys.json", set.to_string());
    dry_run(&["--key", &set]).await.fails_saying(&["key_set_ambiguous", "--kid"]);
    let header = &dry_run(&["--key", &set, "--kid", "b"]).await.json()["header"];
    assert_eq!((&header["kid"], &header["alg"]), (&json!("b"), &json!("ES384")));
    dry_run(&["--key", &set, "--kid", "c"]).await.fails_saying(&["key_not_found"]);

    let jwks = ssf(&["jwks", "--key", &set, "--kid", "a"], &[]).await.json();
    assert_eq!(jwks["keys"][0]["kid"], "a");
    let both = ["jwks", "--key", &set, "--kid", "a", "--key", &set, "--kid", "b"];
    assert_eq!(ssf(&both, &[]).await.json()["keys"].as_array().unwrap().len(), 2);
    ssf(&["jwks", "--key", &set, "--key", &set, "--kid", "a"], &[]).await.fails_saying(&["--kid"]);
    ssf(&["jwks"], &[]).await.fails_saying(&["--key"]);
}

#[tokio::test]
async fn a_key_is_given_another_kid_and_algorithm() {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let pem = file("rsa.pem", key.export_private_pem().unwrap().expose());
    let header =
        &dry_run(&["--key", &pem, "--kid", "2027-01", "--algorithm", "PS256"]).await.json()["header"];
    assert_eq!((&header["kid"], &header["alg"]), (&json!("2027-01"), &json!("PS256")));
    let wrong = dry_run(&["--key", &pem, "--algorithm", "ps256"]).await;
    wrong.fails_saying(&["did you mean PS256?"]);
    dry_run(&["--key", &pem, "--algorithm", "ES256"]).await.fails_saying(&["key_algorithm_mismatch"]);
}

#[tokio::test]
async fn keys_are_read_in_the_forms_that_files_have_them_in() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let pem = key.export_private_pem().unwrap().expose().clone();
    let jwk = key.export_private_jwk().unwrap().expose().clone();
    for (name, text) in [
        ("bom.pem", format!("\u{feff}{pem}").into_bytes()),
        ("bags.pem", format!("Bag Attributes\n    friendlyName: Schlüssel\n{pem}").into_bytes()),
        ("escaped.pem", pem.replace('\n', "\\n").into_bytes()),
        ("bom.jwk", format!("\u{feff}{jwk}\r\n").into_bytes()),
    ] {
        let path = file(name, text);
        assert_eq!(dry_run(&["--key", &path]).await.json()["header"]["kid"], key.kid(), "{name}");
    }
    let utf16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    dry_run(&["--key", &file("utf16.jwk", utf16)]).await.fails_saying(&["UTF-16"]);
    dry_run(&["--key", &file("empty.pem", "")]).await.fails_saying(&["empty: check"]);
}

#[tokio::test]
async fn a_short_name_that_is_misspelt_is_refused_with_the_one_that_is_meant() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let pem = file("p256.pem", key.export_private_pem().unwrap().expose());
    let emit = ["emit", "--issuer", ISSUER, "--key", &pem, "--email", "ada@example.com", "--dry-run"];
    let to = ["--endpoint", "https://receiver.example.net/events", "--audience", AUDIENCE];
    for (event, meant) in [
        ("caep.session-revokd", "did you mean caep.session-revoked?"),
        ("session-revoked", "did you mean caep.session-revoked?"),
        ("nothing", "no known event has this name"),
    ] {
        ssf(&[&emit[..], &to, &["--event", event]].concat(), &[]).await.fails_saying(&[meant]);
    }
    let uri = "https://schemas.openid.net/secevent/caep/event-type/session-revokd";
    let sent = ssf(&[&emit[..], &to, &["--event", uri]].concat(), &[]).await.json();
    assert!(sent["findings"].to_string().contains("did you mean"), "{sent}");
    let dialect = ["--event", "caep.session-revoked", "--dialect", "govuk-onelogin"];
    ssf(&[&emit[..], &to, &dialect].concat(), &[]).await.fails_saying(&["did you mean govuk-one-login?"]);
}

#[tokio::test]
async fn a_subject_of_a_private_format_has_an_option_of_its_own() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let pem = file("private-format.pem", key.export_private_pem().unwrap().expose());
    let emit = ["emit", "--issuer", ISSUER, "--key", &pem, "--event", "caep.session-revoked", "--dry-run"];
    let to = ["--endpoint", "https://receiver.example.net/events", "--audience", AUDIENCE];
    let badge = r#"{ "format": "badge", "number": "7" }"#;
    let with = async |option: &str| ssf(&[&emit[..], &to, &[option, badge]].concat(), &[]).await;
    with("--subject").await.fails_saying(&["subject_format_unknown", "--custom-subject"]);
    assert_eq!(with("--custom-subject").await.json()["claims"]["sub_id"]["number"], "7");
}

#[tokio::test]
async fn a_client_certificate_is_read_from_its_files() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let pem = file("client.pem", key.export_private_pem().unwrap().expose());
    let emit = ["emit", "--issuer", ISSUER, "--key", &pem, "--event", "caep.session-revoked"];
    let to = ["--endpoint", "https://receiver.example.net/events", "--audience", AUDIENCE];
    let about = ["--email", "ada@example.com", "--client-certificate", &pem];
    let emit = [&emit[..], &to, &about].concat();
    ssf(&emit, &[]).await.fails_saying(&["--client-key"]);
    ssf(&[&emit[..], &["--client-key", "/nowhere/key.pem"]].concat(), &[])
        .await
        .fails_saying(&["/nowhere/key.pem"]);
    // A key where the certificate belongs.
    ssf(&[&emit[..], &["--client-key", &pem]].concat(), &[])
        .await
        .fails_saying(&["client_certificate_invalid"]);
}

/// A transmitter, and a receiver that wants its own token.
async fn govuk() -> (SigningKey, Published, Emulator) {
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    let published = Published::start(Jwks::new([key.public_key().clone()]).unwrap().to_json()).await.unwrap();
    let source = KeySource::JwksUri(published.jwks_uri().to_owned());
    let mut config = Config::new(Like::GovUkOneLogin, published.issuer(), source, AUDIENCE);
    config.client = Some(Client { id: "client-1".to_owned(), secret: "s3cret".to_owned() });
    (key, published, Emulator::start(config).await.unwrap())
}

#[tokio::test]
async fn the_sender_authorizes_by_a_header_of_its_own_or_with_a_token() {
    let (key, published, emulator) = govuk().await;
    let pem = file("govuk.pem", key.export_private_pem().unwrap().expose());
    let endpoint = emulator.push_url();
    let emit = [
        "emit",
        "--issuer",
        published.issuer(),
        "--key",
        &pem,
        "--endpoint",
        &endpoint,
        "--audience",
        AUDIENCE,
        "--dialect",
        "govuk-one-login",
        "--allow-loopback",
        "--event",
        "risc.account-purged",
        "--subject",
        r#"{ "format": "uri", "uri": "urn:fdc:gov.uk:2022:1" }"#,
    ];
    let token_url = emulator.token_url().unwrap();
    let with =
        async |more: &[&str], variables: &[(&str, &str)]| ssf(&[&emit[..], more].concat(), variables).await;
    let credentials = ["--token-url", &token_url, "--client-id", "client-1"];
    let secret = [("SSF_CLIENT_SECRET", "s3cret")];
    for auth in ["basic", "post"] {
        let sent = with(&[&credentials[..], &["--token-auth", auth]].concat(), &secret).await;
        assert_eq!(sent.json()["status"], 202, "{auth}");
    }

    let form = [("grant_type", "client_credentials"), ("client_id", "client-1"), ("client_secret", "s3cret")];
    let granted = crate::common::Reply::to(crate::common::http().post(&token_url).form(&form)).await;
    let header = format!("Bearer {}", granted.body["access_token"].as_str().unwrap());
    let variable = [("PUSH_AUTHORIZATION", header.as_str())];
    assert_eq!(with(&["--authorization", "env:PUSH_AUTHORIZATION"], &variable).await.json()["status"], 202);
    let path = format!("file:{}", file("authorization", format!("\u{feff}{header}\r\n")));
    assert_eq!(with(&["--authorization", &path], &[]).await.json()["status"], 202);

    let refused =
        with(&["--authorization", "env:PUSH_AUTHORIZATION"], &[("PUSH_AUTHORIZATION", "Bearer w0rng")]);
    let refused = refused.await;
    refused.fails_saying(&["receiver_unauthorized"]);
    assert!(!format!("{refused:?}").contains("w0rng"), "{refused:?}");
    with(&["--authorization", "env:NOT_THERE"], &[]).await.fails_saying(&["NOT_THERE is not set"]);
    let literal = with(&["--authorization", "Bearer abc"], &[]).await;
    literal.fails_saying(&["env:NAME or file:PATH"]);
    let both = [&credentials[..], &["--authorization", "env:PUSH_AUTHORIZATION"]].concat();
    with(&both, &secret).await.fails_saying(&["cannot be used with"]);
}

#[tokio::test]
async fn a_private_network_is_allowed_by_name() {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let pem = file("network.pem", key.export_private_pem().unwrap().expose());
    // A port on which nothing listens, by an address that has to be allowed.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("https://127.0.0.1:{port}/events");
    let emit = ["emit", "--issuer", ISSUER, "--key", &pem, "--endpoint", &endpoint, "--audience", AUDIENCE];
    let event = ["--event", "caep.session-revoked", "--email", "ada@example.com", "--deadline", "2"];
    let emit = [&emit[..], &event].concat();
    ssf(&emit, &[]).await.fails_saying(&["address_forbidden", "--allow-network"]);
    let allowed = ssf(&[&emit[..], &["--allow-network", "127.0.0.0/8"]].concat(), &[]).await;
    assert!(!allowed.stderr.contains("address_forbidden"), "{allowed:?}");
    let wrong = ssf(&[&emit[..], &["--allow-network", "intranet"]].concat(), &[]).await;
    wrong.fails_saying(&["10.1.0.0/16"]);
    let proxy = ssf(&[&emit[..], &["--proxy", "ftp://proxy.example.com"]].concat(), &[]).await;
    assert!(proxy.code != Some(0), "{proxy:?}");
}

#[tokio::test]
async fn a_configuration_has_every_member_of_the_specification() {
    let all = [
        "configuration",
        "--issuer",
        "https://tr.example.com",
        "--jwks-uri",
        "https://tr.example.com/jwks.json",
        "--delivery-method",
        "urn:ietf:rfc:8935",
        "--delivery-method",
        "urn:ietf:rfc:8936",
        "--configuration-endpoint",
        "https://tr.example.com/ssf/stream",
        "--status-endpoint",
        "https://tr.example.com/ssf/status",
        "--add-subject-endpoint",
        "https://tr.example.com/ssf/subject:add",
        "--remove-subject-endpoint",
        "https://tr.example.com/ssf/subject:remove",
        "--verification-endpoint",
        "https://tr.example.com/ssf/verification",
        "--critical-subject-member",
        "tenant",
        "--authorization-scheme",
        "urn:ietf:rfc:6749",
        "--authorization-scheme",
        "urn:ietf:rfc:8705",
        "--default-subjects",
        "NONE",
        "--member",
        "x_region=\"eu\"",
    ];
    let printed = ssf(&all, &[]).await;
    assert!(printed.code == Some(0), "{printed:?}");
    assert!(printed.stderr.contains("https://tr.example.com/.well-known/ssf-configuration"), "{printed:?}");
    // Each member of SSF 1.0 §7.1, and one more.
    let expected = json!({
        "spec_version": "1_0",
        "issuer": "https://tr.example.com",
        "jwks_uri": "https://tr.example.com/jwks.json",
        "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
        "configuration_endpoint": "https://tr.example.com/ssf/stream",
        "status_endpoint": "https://tr.example.com/ssf/status",
        "add_subject_endpoint": "https://tr.example.com/ssf/subject:add",
        "remove_subject_endpoint": "https://tr.example.com/ssf/subject:remove",
        "verification_endpoint": "https://tr.example.com/ssf/verification",
        "critical_subject_members": ["tenant"],
        "authorization_schemes": [{ "spec_urn": "urn:ietf:rfc:6749" }, { "spec_urn": "urn:ietf:rfc:8705" }],
        "default_subjects": "NONE",
        "x_region": "eu",
    });
    assert_eq!(printed.json(), expected);
    let twice = ssf(&[&all[..], &["--member", "status_endpoint=1"]].concat(), &[]).await;
    twice.fails_saying(&["configuration_invalid", "status_endpoint"]);
}
