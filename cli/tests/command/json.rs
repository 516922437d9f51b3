//! `--json`: every command that prints a result has a JSON form, whose members `docs/cli.md` names.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    program::{Run, command, folder, run, ssf},
    server::shared,
};
use serde_json::Value;
use ssf_emulator::{ApiTokens, Config, Emulator, KeySource, Like, Published};
use ssf_transmitter::{
    Jwks, KeyType, SigningKey, Subject,
    event::caep,
    outbox::{Entry, Outbox},
};
use ssf_transmitter_store::SqliteStore;

const ISSUER: &str = "https://edr.example.com";
const AUDIENCE: &str = "https://acme.example.net";
const ORG: &str = "https://acme.okta.com";
const TOKEN: &str = "00manage";

/// A SET, which a receiver accepts.
const SET: &str = "caep.session-revoked --email ada@example.com --now --reason-admin en=Lost";

/// Commands in their order: how each is called, and the members that it prints. One without members prints a list, lines, a
/// document of a standard, or what Okta answers.
const CASES: &[(&str, &str, &str)] = &[
    ("init", "init --issuer {issuer} --okta https://acme.okta.com", "file missing_key"),
    ("key new", "key new --out ssf-key.pem", "kid type algorithm format file"),
    ("key show", "key show ssf-key.pem", "kid algorithm private format key file"),
    ("key show", "key show ssf-key.pem --private --format jwks", "kid algorithm private format key file"),
    ("key show", "key show ssf-key.pem --format der --out key.der", "kid algorithm private format key file"),
    ("key rotate", "key rotate", "state current next previous complete_at jwks jwks_file"),
    (
        "key rotate",
        "key rotate --complete --after 0 --offline",
        "state current next previous complete_at jwks jwks_file",
    ),
    ("jwks", "jwks --key ssf-key.pem", ""),
    ("config check", "config check", "file issuer receivers problems"),
    ("config schema", "config schema", ""),
    ("configuration", "configuration --issuer {issuer} --jwks-uri {issuer}/jwks.json", ""),
    ("publish", "publish --issuer {issuer} --key ssf-key.pem --out site", "configuration jwks"),
    (
        "handover govuk",
        "handover govuk --issuer {issuer} --key ssf-key.pem --source-ip 192.0.2.10",
        "issuer algorithm public_key source_addresses",
    ),
    ("event list", "event list", ""),
    ("event show", "event show caep.session-revoked", "id uri title doc source members examples"),
    ("event new", "event new --event {set}", "event subject"),
    ("emit", "emit --to okta --dry-run --event {set}", "header claims set findings"),
    ("set sign", "set sign --to okta --event {set}", "header claims set findings"),
    (
        "set push",
        "set push set.jwt --endpoint {push} --audience {audience} --allow-loopback",
        "jti status attempts notes findings",
    ),
    ("set decode", "set decode @set.jwt --jwks jwks.json", "header claims verified_with"),
    ("set verify", "set verify @set.jwt --jwks jwks.json", "verified_with"),
    ("set lint", "set lint @set.jwt", ""),
    ("set diff", "set diff --like okta --like govuk-one-login --event {set}", "receivers differences"),
    (
        "send",
        "send events.ndjson --to okta --dry-run",
        "accepted failed complete resumed seconds per_second failures",
    ),
    ("explain", "explain --status 400", "delivered reason cause remedy said possible findings"),
    (
        "doctor",
        "doctor --issuer {published} --key own.pem --endpoint {push} --audience {audience} --allow-loopback --event {set}",
        "",
    ),
    (
        "okta create",
        "okta {org} create --name EDR --type edr --issuer {published} --jwks-url {published}/jwks.json",
        "",
    ),
    ("okta list", "okta {org} list", ""),
    ("okta show", "okta {org} show {id}", ""),
    ("okta replace", "okta {org} replace {id} --name XDR", ""),
    ("okta deactivate", "okta {org} deactivate {id}", ""),
    ("okta activate", "okta {org} activate {id}", ""),
    ("okta log", "okta {org} log", ""),
    ("okta delete", "okta {org} delete {id}", "deleted"),
    ("outbox stats", "outbox --file outbox.db stats", "counts health receivers"),
    ("outbox list", "outbox --file outbox.db list", ""),
    (
        "outbox show",
        "outbox --file outbox.db show {jti}",
        "jti receiver event state priority enqueued_at attempts due_at expires_at ended_at failure discard superseded_by attempt_log",
    ),
    ("outbox hold", "outbox --file outbox.db hold acme", "held"),
    ("outbox release", "outbox --file outbox.db release acme", "released"),
    ("outbox check", "outbox --file outbox.db check", "problems"),
    ("outbox backup", "outbox --file outbox.db backup copy.db", "backup"),
    (
        "outbox work",
        "outbox --file outbox.db work --issuer {issuer} --key own.pem --receivers receivers.toml --allow-loopback --drain",
        "delivered failed",
    ),
    ("outbox replay", "outbox --file outbox.db replay", "replayed dry_run"),
    ("outbox discard", "outbox --file outbox.db discard --all", "discarded dry_run"),
    ("outbox migrate", "outbox --schema cli_json migrate --print", "schema sql"),
    ("outbox migrate", "outbox --schema cli_json migrate --roles", "schema sql"),
    ("outbox migrate", "outbox --database {database} --schema cli_json migrate", "migrated"),
    ("outbox refused", "outbox --database {database} --schema cli_json refused", ""),
    ("guide", "guide govuk", "guide complete steps"),
    ("transmitter", "transmitter --new-token", "token hash"),
    ("completions", "completions bash", "shell script"),
    ("man", "man", "page"),
    ("man", "man --dir man", "files"),
];

/// Commands that print a line of JSON whenever something happens, and run until they are ended.
const SERVERS: [&str; 3] = ["receiver", "emulate", "serve"];

/// Commands that print an object in each line: none, if there is nothing to tell.
const LINES: [&str; 4] = ["doctor", "okta log", "outbox list", "outbox refused"];

/// The commands that the reference lists and that have none below them, and what it says of JSON.
async fn reference() -> (BTreeSet<String>, String) {
    let reference = ssf(&["reference"], &[]).await;
    let listed = reference.text().lines().filter_map(|line| line.strip_prefix("* [`ssf ")?.split('`').next());
    let all: BTreeSet<_> = listed.map(str::to_owned).collect();
    let is_last = |name: &&String| !all.iter().any(|other| other.starts_with(&format!("{name} ")));
    let commands = all.iter().filter(is_last).cloned().collect();
    let (_, json) = reference.text().split_once("\n## JSON\n").unwrap();
    let (json, _) = json.split_once("\n## Commands\n").unwrap();
    (commands, json.to_owned())
}

#[tokio::test]
async fn every_command_that_prints_a_result_has_a_json_form() {
    let (commands, documented) = reference().await;
    let shown: BTreeSet<_> = CASES.iter().map(|(name, ..)| *name).chain(SERVERS).map(str::to_owned).collect();
    assert_eq!(shown, commands, "each command has a case here");

    let mut place = Place::new().await;
    for (name, line, members) in CASES {
        let run = place.run(line).await;
        let documents = serde_json::Deserializer::from_str(&run.stdout).into_iter::<Value>();
        let documents: Result<Vec<_>, _> = documents.collect();
        let documents = documents.unwrap_or_else(|error| panic!("{line}: {error}: {run:?}"));
        if LINES.contains(name) {
            assert_eq!(documents.len(), run.stdout.lines().count(), "{line}: {run:?}");
            continue;
        }
        let [document] = &documents[..] else { panic!("{line}: {run:?}") };
        place.note(name, document);
        if members.is_empty() {
            continue;
        }
        let printed: BTreeSet<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(printed, members.split(' ').collect(), "{line}");
        let undocumented: Vec<_> =
            printed.iter().filter(|member| !documented.contains(&format!("`{member}`"))).collect();
        assert!(undocumented.is_empty(), "docs/cli.md does not name {undocumented:?} of ssf {name}");
        assert!(documented.contains(&format!("`ssf {name}")), "docs/cli.md says nothing of ssf {name}");
    }
}

/// A folder with what the commands need, and the values for the names in braces.
struct Place {
    folder: String,
    values: Vec<(&'static str, String)>,
    _published: Published,
    _emulators: [Emulator; 2],
}

impl Place {
    async fn new() -> Self {
        let folder = folder("json");
        let at = |name: &str| Path::new(&folder).join(name);
        let key = SigningKey::generate(KeyType::P256).unwrap();
        let jwks = Jwks::new([key.public_key().clone()]).unwrap().to_json();
        fs::write(at("own.pem"), key.export_private_pem().unwrap().expose()).unwrap();
        fs::write(at("jwks.json"), &jwks).unwrap();

        let published = Published::start(jwks.clone()).await.unwrap();
        let config = Config::new(Like::Rfc8935, ISSUER, KeySource::Jwks(jwks), AUDIENCE);
        let receiver = Emulator::start(config).await.unwrap();
        let org = Emulator::start(Config::registering(Like::Okta, ORG, ApiTokens::new(TOKEN))).await.unwrap();
        let acme =
            format!("[receivers.acme]\nendpoint = {:?}\naudience = {AUDIENCE:?}\n", receiver.push_url());
        fs::write(at("receivers.toml"), acme).unwrap();

        let outbox = Outbox::new(SqliteStore::open(at("outbox.db")).unwrap());
        let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
        let jti = outbox.enqueue(entry).await.unwrap().jtis.remove(0);
        outbox.close().await.unwrap();

        let values = vec![
            ("{set}", SET.to_owned()),
            ("{issuer}", ISSUER.to_owned()),
            ("{audience}", AUDIENCE.to_owned()),
            ("{published}", published.issuer().to_owned()),
            ("{push}", receiver.push_url()),
            ("{org}", format!("--org {} --allow-loopback", org.base_url())),
            ("{jti}", jti),
            ("{database}", shared().url()),
        ];
        let place = Self { folder, values, _published: published, _emulators: [receiver, org] };
        let sign =
            "set sign --issuer {issuer} --audience {audience} --key own.pem --out set.jwt --event {set}";
        run(&mut place.command(sign)).await.text();
        let line = run(&mut place.command("event new --event {set}")).await;
        fs::write(Path::new(&place.folder).join("events.ndjson"), line.text()).unwrap();
        place
    }

    fn command(&self, line: &str) -> tokio::process::Command {
        let line = self.values.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value));
        let mut command = command(&line.split_whitespace().collect::<Vec<_>>());
        command.current_dir(&self.folder).env("OKTA_API_TOKEN", TOKEN);
        command
    }

    async fn run(&self, line: &str) -> Run {
        let run = run(self.command(line).arg("--json")).await;
        // A doctor may find something.
        assert!(matches!(run.code, Some(0 | 12)), "{line}: {run:?}");
        run
    }

    /// Keeps what later commands are told.
    fn note(&mut self, name: &str, document: &Value) {
        if name == "okta create" {
            self.values.push(("{id}", document["id"].as_str().unwrap().to_owned()));
        }
    }
}

#[tokio::test]
async fn a_key_is_a_text_or_an_object() {
    let path = format!("{}/key.pem", folder("json-key"));
    let made = ssf(&["key", "new", "--type", "p256", "--out", &path, "--json"], &[]).await.json();
    assert_eq!(
        (&made["type"], &made["algorithm"], &made["file"]),
        (&"P-256".into(), &"ES256".into(), &path.clone().into())
    );
    let show =
        async |more: &[&str]| ssf(&[&["key", "show", &path, "--json"], more].concat(), &[]).await.json();
    let public = show(&[]).await;
    assert_eq!((&public["kid"], &public["private"]), (&made["kid"], &false.into()));
    assert!(public["key"].as_str().unwrap().starts_with("-----BEGIN PUBLIC KEY-----"), "{public}");
    assert_eq!(show(&["--format", "jwks"]).await["key"]["keys"][0]["kid"], made["kid"]);
    // JSON has no bytes.
    let (der, base64) = (show(&["--format", "der"]).await, show(&["--format", "base64"]).await);
    assert_eq!((&der["key"], &der["format"]), (&base64["key"], &"base64".into()));
    assert!(show(&["--private", "--format", "jwk"]).await["key"]["d"].is_string());
    let out = format!("{path}.der");
    let written = show(&["--format", "der", "--out", &out]).await;
    assert_eq!((&written["key"], &written["file"]), (&Value::Null, &out.clone().into()));
    assert!(fs::read(&out).unwrap().starts_with(&[0x30]));
}

#[tokio::test]
async fn a_guide_is_one_document() {
    let told = ssf(&["guide", "okta", "--json"], &[]).await.json();
    assert_eq!((&told["guide"], &told["complete"]), (&"okta".into(), &true.into()));
    let steps = told["steps"].as_array().unwrap();
    let actions: Vec<_> = steps.iter().flat_map(|step| step["actions"].as_array().unwrap()).collect();
    let emit = actions
        .iter()
        .find(|action| action["command"].as_str().is_some_and(|line| line.starts_with("ssf emit ")));
    assert!(emit.unwrap()["stdout"].as_str().unwrap().contains("\"status\":202"), "{emit:?}");
    for kind in ["file", "variable", "note"] {
        assert!(actions.iter().any(|action| action[kind].is_string()), "{kind}");
    }
}
