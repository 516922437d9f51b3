//! `ssf.toml`: the commands that check it, and those that read it.

use std::{fs, path::Path};

use serde_json::json;
use ssf_emulator::{Client, Config, Emulator, KeySource, Like, Published};
use ssf_transmitter::{Jwks, KeyType, SigningKey};

use crate::{
    common::{AUDIENCE, ISSUER},
    program::{Run, command, folder, run},
};

const REVOKED: [&str; 7] = [
    "--event",
    "caep.session-revoked",
    "--email",
    "ada@example.com",
    "--now",
    "--claims",
    r#"{ "reason_admin": { "en": "Laptop lost" } }"#,
];

/// The command in a folder.
async fn in_folder(folder: &Path, arguments: &[&str]) -> Run {
    run(command(arguments).current_dir(folder)).await
}

/// A folder with a key and this file of settings.
fn project(name: &str, settings: &str) -> (SigningKey, std::path::PathBuf) {
    let folder = Path::new(&folder(&format!("config-{name}"))).to_owned();
    let key = SigningKey::generate(KeyType::Rsa2048).unwrap();
    fs::write(folder.join("key.pem"), key.export_private_pem().unwrap().expose()).unwrap();
    fs::write(folder.join("ssf.toml"), settings).unwrap();
    (key, folder)
}

fn two_receivers() -> String {
    format!(
        "issuer = {ISSUER:?}\nkey = \"file:key.pem\"\nkid = \"2026-11\"\n\n[receivers.acme]\nokta = \"https://acme.okta.com\"\n\n\
         [receivers.other]\nendpoint = \"https://receiver.example.net/events\"\naudience = {AUDIENCE:?}\nbearer = \"file:token\"\n"
    )
}

#[tokio::test]
async fn a_file_is_checked_from_a_folder_below_it() {
    let (_, folder) = project("valid", &two_receivers());
    fs::write(folder.join("token"), "s3cret\n").unwrap();
    let below = folder.join("src/deep");
    fs::create_dir_all(&below).unwrap();
    let checked = in_folder(&below, &["config", "check"]).await;
    for words in [ISSUER, "acme: acme.okta.com, dialect okta", "other: receiver.example.net, dialect ssf-1.0"]
    {
        assert!(checked.text().contains(words), "{checked:?}");
    }
    let path = folder.join("ssf.toml");
    let shown =
        in_folder(Path::new("/"), &["config", "check", "--json", "--config", path.to_str().unwrap()]).await;
    let expected = json!({
        "file": path.to_str().unwrap(), "issuer": ISSUER, "receivers": ["acme", "other"], "problems": [],
    });
    assert_eq!(shown.json(), expected);
}

#[tokio::test]
async fn a_file_is_written_from_options_and_serves_at_once() {
    let folder = folder("config-init");
    let folder = Path::new(&folder);
    let init = ["init", "--issuer", ISSUER, "--okta", "https://acme.okta.com", "--to", "acme"];
    let written = in_folder(folder, &init).await;
    assert_eq!(written.text(), "ssf.toml\n");
    assert!(written.stderr.contains("ssf key new --out ssf-key.pem"), "{written:?}");
    in_folder(folder, &["key", "new", "--out", "ssf-key.pem"]).await.text();
    in_folder(folder, &["config", "check"]).await.text();
    let emit = [&["emit", "--to", "acme", "--dry-run"][..], &REVOKED].concat();
    let claims = &in_folder(folder, &emit).await.json()["claims"];
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!("https://acme.okta.com")));

    let text = || fs::read_to_string(folder.join("ssf.toml")).unwrap();
    assert!(text().contains("\n[receivers.acme]\n") && text().contains("\n# [lint]\n"), "{}", text());
    let other = ["init", "--endpoint", "https://receiver.example.net/events", "--audience", AUDIENCE];
    in_folder(folder, &other).await.fails_saying(&["ssf.toml exists: --force replaces it"]);
    assert!(text().contains(ISSUER));
    in_folder(folder, &[&other[..], &["--force"]].concat()).await.text();
    assert!(text().contains("\n[receivers.receiver]\n") && !text().contains(ISSUER), "{}", text());
    in_folder(folder, &["config", "check"]).await.text();
}

#[tokio::test]
async fn a_file_that_would_be_wrong_is_not_written() {
    let folder = folder("config-init-wrong");
    let folder = Path::new(&folder);
    let key = SigningKey::generate(KeyType::P256).unwrap().export_private_pem().unwrap();
    let wrong = in_folder(folder, &["init", "--issuer", ISSUER, "--key", key.expose()]).await;
    wrong.fails_saying(&["key_source_invalid"]);
    assert!(!format!("{wrong:?}").contains("PRIVATE KEY"), "{wrong:?}");
    in_folder(folder, &["init", "--issuer", "edr"]).await.fails_saying(&["must be a URL", "/issuer"]);
    in_folder(folder, &["init", "--to", "acme"]).await.fails_saying(&["--okta"]);
    let one = ["init", "--endpoint", "https://receiver.example.net/events"];
    in_folder(folder, &one).await.fails_saying(&["--audience"]);
    assert!(!folder.join("ssf.toml").exists());
    in_folder(folder, &["init"]).await.text();
    in_folder(folder, &["config", "check"]).await.text();
}

#[tokio::test]
async fn a_schema_for_editors_is_printed() {
    let schema = in_folder(Path::new("/"), &["config", "schema"]).await.json();
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert_eq!(schema["additionalProperties"], false);
}

#[tokio::test]
async fn all_mistakes_are_told_with_their_lines_and_no_secret() {
    let (_, folder) = project(
        "mistakes",
        "isuer = \"https://edr.example.com\"\n\n[receivers.acme]\nokta = \"https://acme.okta.com\"\nbearer = \"s3cret\"\n",
    );
    let checked = in_folder(&folder, &["config", "check"]).await;
    assert_eq!(checked.code, Some(3), "{checked:?}");
    for words in [
        "ssf.toml, line 1: unknown key isuer; did you mean issuer? (at /isuer)",
        "ssf.toml, line 5: ",
        "env:NAME",
    ] {
        assert!(checked.stdout.contains(words), "{words}: {checked:?}");
    }
    assert!(checked.stderr.contains("ssf.toml has 2 mistakes") && !format!("{checked:?}").contains("s3cret"));
    let emitted = in_folder(&folder, &[&["emit", "--to", "acme"][..], &REVOKED].concat()).await;
    emitted.fails_saying(&["ssf.toml, line 1: unknown key isuer", "[configuration_invalid]"]);
}

#[tokio::test]
async fn what_the_file_names_is_read_unless_the_text_alone_is_checked() {
    let (_, folder) = project("text-only", &two_receivers());
    let shown = in_folder(&folder, &["config", "check", "--json"]).await;
    assert_eq!(shown.code, Some(3), "{shown:?}");
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(shown["problems"][0]["pointer"], "/receivers/other/bearer");
    in_folder(&folder, &["config", "check", "--text-only"]).await.text();
    // The other receiver needs no token.
    let acme = [&["emit", "--to", "acme", "--dry-run"][..], &REVOKED].concat();
    in_folder(&folder, &acme).await.text();
}

#[tokio::test]
async fn without_a_file_there_is_nothing_to_check_and_nobody_to_name() {
    let nowhere = folder("config-nowhere");
    let nowhere = Path::new(&nowhere);
    in_folder(nowhere, &["config", "check"]).await.fails_saying(&["there is no ssf.toml", "--config"]);
    in_folder(nowhere, &["config", "check", "--config", "own.toml"]).await.fails_saying(&["own.toml"]);
    let emit = ["emit", "--to", "acme", "--dry-run"];
    let emitted = in_folder(nowhere, &[&emit[..], &REVOKED].concat()).await;
    assert_eq!(emitted.code, Some(2), "{emitted:?}");
    emitted.fails_saying(&["--to names a receiver of ssf.toml"]);
    let emit = ["emit", "--okta", "https://acme.okta.com", "--dry-run"];
    in_folder(nowhere, &[&emit[..], &REVOKED].concat()).await.fails_saying(&["--issuer is needed"]);
}

#[tokio::test]
async fn options_replace_what_the_file_says() {
    let (key, folder) = project("options", &two_receivers());
    let dry_run = async |more: &[&str]| {
        in_folder(&folder, &[&["emit", "--dry-run"][..], &REVOKED, more].concat()).await
    };
    let sent = dry_run(&["--to", "acme"]).await.json();
    assert_eq!(
        (&sent["claims"]["iss"], &sent["claims"]["aud"]),
        (&json!(ISSUER), &json!("https://acme.okta.com"))
    );
    assert_eq!(sent["header"]["kid"], "2026-11");
    let other = ["--issuer", "https://other.example.com", "--kid", "b", "--algorithm", "PS256"];
    let to = ["--to", "acme", "--audience", "https://acme.example.com", "--dialect", "ssf-1.0"];
    let sent = dry_run(&[&other[..], &to].concat()).await.json();
    let claims = &sent["claims"];
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(other[1]), &json!("https://acme.example.com")));
    assert_eq!((&sent["header"]["kid"], &sent["header"]["alg"]), (&json!("b"), &json!("PS256")));
    assert_eq!(claims["sub_id"]["email"], "ada@example.com");

    let admin = ["--to", "acme", "--audience", "https://acme-admin.okta.com"];
    dry_run(&admin).await.fails_saying(&["the admin console"]);
    let lenient = format!("{}\n[lint]\nallow = [\"aud-admin-host\"]\n", two_receivers());
    fs::write(folder.join("ssf.toml"), lenient).unwrap();
    dry_run(&admin).await.text();

    dry_run(&["--to", "acmee"]).await.fails_saying(&["there is no receiver acmee; known are acme, other"]);
    dry_run(&["--to", "acme", "--okta", "https://acme.okta.com"])
        .await
        .fails_saying(&["cannot be used with"]);
    dry_run(&["--to", "other"]).await.fails_saying(&[
        "ssf.toml, line 11: ",
        "token",
        "(at /receivers/other/bearer)",
    ]);

    let sign = [&["set", "sign", "--to", "acme"][..], &REVOKED].concat();
    let compact = in_folder(&folder, &sign).await.text().trim().to_owned();
    let signed = ssf_transmitter::SignedSet::parse(&compact).unwrap().decode().unwrap();
    assert_eq!(
        (&signed.claims()["aud"], &signed.header()["kid"]),
        (&json!("https://acme.okta.com"), &json!("2026-11"))
    );
    assert_ne!(key.kid(), "2026-11");
    let confirm = [&["emit", "--to", "other", "--confirm"][..], &REVOKED].concat();
    fs::write(folder.join("token"), "s3cret").unwrap();
    in_folder(&folder, &confirm).await.fails_saying(&["--confirm is for an Okta org"]);
}

#[tokio::test]
async fn a_set_is_sent_with_nothing_but_the_name_of_its_receiver() {
    let (key, folder) = project("sent", "");
    let published = Published::start(Jwks::new([key.public_key().clone()]).unwrap().to_json()).await.unwrap();
    let source = KeySource::JwksUri(published.jwks_uri().to_owned());
    let mut config = Config::new(Like::GovUkOneLogin, published.issuer(), source, AUDIENCE);
    config.client = Some(Client { id: "client-1".to_owned(), secret: "s3cret".to_owned() });
    let emulator = Emulator::start(config).await.unwrap();
    fs::write(folder.join("secret"), "s3cret\n").unwrap();
    let settings = |policy: &str| {
        format!(
            "issuer = {:?}\nkey = \"key.pem\"\n\n[receivers.govuk]\nendpoint = {:?}\naudience = {AUDIENCE:?}\ndialect = \"govuk-one-login\"\n\
             token_url = {:?}\nclient_id = \"client-1\"\nclient_secret = \"file:secret\"\nallow_loopback = true\n\n{policy}",
            published.issuer(),
            emulator.push_url(),
            emulator.token_url().unwrap(),
        )
    };
    let emit = [
        "emit",
        "--to",
        "govuk",
        "--event",
        "risc.account-purged",
        "--subject",
        r#"{ "format": "uri", "uri": "urn:fdc:gov.uk:2022:1" }"#,
    ];
    fs::write(folder.join("ssf.toml"), settings("")).unwrap();
    let sent = in_folder(&folder, &emit).await.json();
    assert_eq!(sent["status"], 202, "{sent}");
    assert_eq!(sent["findings"], json!([]));

    // An unknown member is a note, of which nothing is told by default.
    let emit = [&emit[..], &["--claims", r#"{ "colour": "red" }"#]].concat();
    assert_eq!(in_folder(&folder, &emit).await.json()["findings"], json!([]));
    fs::write(folder.join("ssf.toml"), settings("[lint]\nreport = \"note\"\n")).unwrap();
    let told = in_folder(&folder, &emit).await.json();
    assert_eq!(told["findings"][0]["rule"], "event-member-unknown", "{told}");
    fs::write(
        folder.join("ssf.toml"),
        settings("[network]\nproxy = \"http://127.0.0.1:9\"\nsource_address = \"x\"\n"),
    )
    .unwrap();
    in_folder(&folder, &emit).await.fails_saying(&["source_address_invalid"]);
}
