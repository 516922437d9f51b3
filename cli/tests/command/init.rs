//! `ssf init` in a terminal: it asks, judges each answer as it is typed, and writes nothing before the last one.

use std::{fs, os::unix::fs::PermissionsExt as _};

use crate::{
    program::{Run, command, folder, run},
    terminal::Terminal,
};
use serde_json::json;
use ssf_transmitter::{KeyType, SigningKey};

const ISSUER: &str = "https://edr.example.com";

async fn ssf(folder: &str, arguments: &[&str]) -> Run {
    run(command(arguments).current_dir(folder)).await
}

fn read(folder: &str) -> toml::Table {
    fs::read_to_string(format!("{folder}/ssf.toml")).unwrap().parse().unwrap()
}

#[tokio::test]
async fn answers_make_a_file_and_a_key() {
    let folder = folder("init-okta");
    let mut terminal = Terminal::run_in(&folder, &["init"], 120);
    // What is wrong shows while it is typed, and is not taken.
    terminal.expect("Issuer:").keys("edr").expect("✗ ").keys("\r").expect("Issuer:");
    terminal.keys(&"\u{7f}".repeat(3)).keys(ISSUER).keys("\r");
    terminal.expect("Key:").expect("A new key, in the file ssf-key.pem").keys("\r");
    terminal.expect("Receiver:").expect("An Okta org").keys("\r");
    terminal.expect("Okta org:").keys("acme").expect("✗ ").keys(&"\u{7f}".repeat(4));
    terminal.keys("https://acme.okta.com\r");
    terminal.expect("Name:").keys("\r").expect("next: ssf config check");
    assert_eq!(terminal.end(), (Some(0), "ssf.toml\n".to_owned()));
    let mode = fs::metadata(format!("{folder}/ssf-key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let checked = ssf(&folder, &["config", "check", "--json"]).await.json();
    assert_eq!((&checked["issuer"], &checked["receivers"]), (&json!(ISSUER), &json!(["okta"])));

    // A file that is there is not asked about.
    let mut terminal = Terminal::run_in(&folder, &["init"], 120);
    terminal.expect("ssf.toml exists: --force replaces it");
    assert_eq!(terminal.end(), (Some(3), String::new()));
}

#[tokio::test]
async fn another_receiver_and_another_key_are_asked_for() {
    let folder = folder("init-other");
    let key = SigningKey::generate(KeyType::P256).unwrap().export_private_pem().unwrap();
    fs::write(format!("{folder}/own.pem"), key.expose()).unwrap();
    let mut terminal = Terminal::run_in(&folder, &["init"], 120);
    terminal.expect("Issuer:").keys(ISSUER).keys("\r");
    terminal.expect("Key:").keys("another").expect("Another one").keys("\r");
    terminal.expect("Key source:").keys("ow").expect("✗ ").keys("n.pem\r");
    terminal.expect("Receiver:").keys("endpoint").expect("Another receiver").keys("\r");
    terminal.expect("Endpoint:").keys("https://receiver.example.net/events\r");
    terminal.expect("Audience:").keys("https://receiver.example.net\r");
    terminal.expect("Dialect:").keys("ssf-1.0").expect("ssf-1.0").keys("\r");
    terminal.expect("Name:").keys(&"\u{7f}".repeat(8)).keys("acme\r");
    assert_eq!(terminal.end(), (Some(0), "ssf.toml\n".to_owned()));
    let settings = read(&folder);
    assert_eq!(settings["key"].as_str(), Some("own.pem"));
    let acme = settings["receivers"]["acme"].as_table().unwrap();
    assert_eq!(acme["endpoint"].as_str(), Some("https://receiver.example.net/events"));
    assert_eq!(acme["dialect"].as_str(), Some("ssf-1.0"));
    ssf(&folder, &["config", "check"]).await.text();
}

#[tokio::test]
async fn govuks_settings_name_the_secret_by_its_place() {
    let folder = folder("init-govuk");
    let mut terminal = Terminal::run_in(&folder, &["init", "--out", "own.toml"], 120);
    terminal.expect("Issuer:").keys(ISSUER).keys("\r").expect("Key:").keys("\r");
    terminal.expect("Receiver:").keys("gov").expect("GOV.UK One Login").keys("\r");
    terminal.expect("Inbound URL:").keys("https://ssf.example.gov.uk/inbound\r");
    terminal.expect("Audience:").keys("https://ssf.account.gov.uk/\r");
    terminal.expect("Token URL:").keys("https://ssf.example.gov.uk/authorize\r");
    terminal.expect("Client id:").keys("rp-1\r");
    // Nobody is to type the secret itself.
    terminal.expect("Client secret:").keys(&"\u{7f}".repeat(21)).keys("hunter2").expect("✗ ");
    terminal.keys(&"\u{7f}".repeat(7)).keys("env:GOVUK_SECRET\r");
    terminal.expect("Name:").keys("\r");
    assert_eq!(terminal.end(), (Some(0), "own.toml\n".to_owned()));
    let check = ["config", "check", "--config", "own.toml"];
    ssf(&folder, &[&check[..], &["--text-only"]].concat()).await.text();
    let checked = ssf(&folder, &check).await;
    assert!(checked.stdout.contains("env:GOVUK_SECRET: the environment variable is not set"), "{checked:?}");
}

#[test]
fn who_leaves_the_questions_writes_nothing() {
    for last in ["Issuer:", "Key:", "Receiver:", "Name:"] {
        let folder = folder("init-left");
        let mut terminal = Terminal::run_in(&folder, &["init"], 80);
        for (question, answer) in [
            ("Issuer:", "https://edr.example.com\r"),
            ("Key:", "\r"),
            ("Receiver:", "\r"),
            ("Okta org:", "https://acme.okta.com\r"),
            ("Name:", ""),
        ] {
            terminal.expect(question);
            if question == last {
                break;
            }
            terminal.keys(answer);
        }
        terminal.keys("\u{3}").expect("nothing was written");
        assert_eq!(terminal.end(), (Some(1), String::new()), "{last}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "{last}");
    }
}

#[test]
fn with_json_nobody_is_asked() {
    let folder = folder("init-json");
    let terminal = Terminal::run_in(&folder, &["init", "--json"], 80);
    let (code, printed) = terminal.end();
    assert_eq!((code, printed.trim()), (Some(0), r#"{"file":"ssf.toml","missing_key":null}"#));
    assert!(read(&folder).is_empty());
}
