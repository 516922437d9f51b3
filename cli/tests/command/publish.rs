//! `ssf publish` and `ssf handover`.

use std::fs;

use crate::program::{file, folder, ssf};
use serde_json::Value;
use ssf_transmitter::{Jwks, KeyType, SigningKey, TransmitterConfiguration};

fn key(name: &str) -> (SigningKey, String) {
    let key = SigningKey::generate(KeyType::P256).unwrap();
    let path = file(name, key.export_private_pem().unwrap().expose());
    (key, path)
}

#[tokio::test]
async fn documents_are_written_at_the_paths_of_their_urls() {
    let (key, path) = key("publish-key.pem");
    let (next, next_path) = self::key("publish-next.pem");
    for (issuer, jwks_uri, configuration, jwks) in [
        ("https://edr.example.com", None, ".well-known/ssf-configuration", "jwks.json"),
        (
            "https://edr.example.com/tenant/7",
            Some("https://edr.example.com/keys/set.json"),
            ".well-known/ssf-configuration/tenant/7",
            "keys/set.json",
        ),
    ] {
        let out = folder("publish-site");
        let mut arguments =
            vec!["publish", "--issuer", issuer, "--key", &path, "--key", &next_path, "--out", &out];
        arguments.extend(jwks_uri.iter().flat_map(|url| ["--jwks-uri", url]));
        for _ in 0..2 {
            let run = ssf(&arguments, &[]).await;
            let printed = run.json();
            assert_eq!(printed["configuration"]["file"], format!("{out}/{configuration}"));
            assert_eq!(printed["jwks"]["file"], format!("{out}/{jwks}"));
            for server in ["nginx", "Apache", "Caddy", "S3"] {
                assert!(run.stderr.contains(server), "{run:?}");
            }
            let document = fs::read_to_string(format!("{out}/{configuration}")).unwrap();
            let document = TransmitterConfiguration::from_json(&document).unwrap();
            assert_eq!(Value::from(document.url().unwrap()), printed["configuration"]["url"]);
            let keys = Jwks::from_json(&fs::read_to_string(format!("{out}/{jwks}")).unwrap()).unwrap();
            let kids: Vec<_> = keys.keys().iter().map(ssf_transmitter::PublicKey::kid).collect();
            assert_eq!(kids, [key.kid(), next.kid()]);
        }
        let files = walk(&out);
        assert_eq!(files.len(), 2, "no other file is left: {files:?}");
    }
    ssf(&["publish", "--issuer", "https://edr.example.com", "--out", "site"], &[])
        .await
        .fails_saying(&["--key"]);
}

fn walk(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            let name = path.to_str().unwrap().to_owned();
            if path.is_dir() { walk(&name) } else { vec![name] }
        })
        .collect()
}

#[tokio::test]
async fn a_handover_has_all_that_the_team_asks_for() {
    let (key, path) = key("handover-key.pem");
    let asked = ["handover", "govuk", "--issuer", "https://rp.example.gov.uk", "--key", &path];
    let run =
        ssf(&[&asked[..], &["--source-ip", "192.0.2.10", "--source-ip", "2001:db8::1"]].concat(), &[]).await;
    for part in ["https://rp.example.gov.uk", "192.0.2.10, 2001:db8::1", &key.public_key().to_pem().unwrap()]
    {
        assert!(run.text().contains(part), "{part}: {run:?}");
    }
    assert!(!run.text().contains("PRIVATE"));
    ssf(&asked, &[]).await.fails_saying(&["--source-ip"]);
    ssf(&[&asked[..], &["--source-ip", "example.com"]].concat(), &[]).await.fails_saying(&["invalid"]);
}
