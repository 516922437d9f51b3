//! `ssf outbox --database`: the outbox in PostgreSQL.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy.toml allows it in tests, but not in what tests share"
)]

mod program;
#[path = "../../store-postgres/tests/common/server.rs"]
mod server;

use program::{Run, ssf};
use server::shared;
use ssf_transmitter::{
    Subject,
    event::caep,
    outbox::{Claim, Entry, Outbox, Store},
};
use ssf_transmitter_postgres::PostgresStore;

async fn run(schema: &str, arguments: &[&str]) -> Run {
    ssf(
        &[&["outbox", "--database", "env:OUTBOX", "--schema", schema], arguments].concat(),
        &[("OUTBOX", &shared().url())],
    )
    .await
}

#[tokio::test]
async fn an_outbox_is_created_filled_and_repaired() {
    let missing = run("cli_all", &["--json", "stats"]).await.error();
    assert_eq!((&missing["code"], &missing["exit_code"]), (&"outbox_unavailable".into(), &13.into()));
    assert!(missing["message"].as_str().unwrap().contains("migrate the outbox first"), "{missing}");
    run("cli_all", &["migrate"]).await.text();
    run("cli_all", &["migrate"]).await.text();

    let store = PostgresStore::builder(shared().url()).schema("cli_all").connect().await.unwrap();
    let entry = Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme");
    let jtis = Outbox::new(store).enqueue(entry).await.unwrap().jtis;
    let stats = run("cli_all", &["stats"]).await;
    assert!(stats.text().starts_with("enqueued    1\nwaiting     1\n"), "{stats:?}");
    assert!(stats.text().contains("0 receivers paused\n"), "{stats:?}");
    let health = run("cli_all", &["--json", "stats"]).await.json()["health"].clone();
    assert!(health.as_object().unwrap().contains_key("oldest_snapshot"), "{health}");
    assert!(run("cli_all", &["show", &jtis[0]]).await.text().starts_with(&jtis[0]));
    run("cli_all", &["hold", "acme"]).await.text();
    run("cli_all", &["release", "acme"]).await.text();
    assert_eq!(run("cli_all", &["discard", "--all"]).await.text(), "1 discarded\n");
    assert_eq!(run("cli_all", &["--json", "replay", "--state", "discarded"]).await.json()["replayed"], 1);
    for arguments in [&["--json", "check"][..], &["--json", "backup", "copy.db"]] {
        let error = run("cli_all", arguments).await.error();
        assert_eq!((&error["code"], &error["exit_code"]), (&"configuration_invalid".into(), &3.into()));
    }
}

#[tokio::test]
async fn refused_entries_are_listed() {
    let store =
        PostgresStore::builder(shared().url()).schema("cli_refused").migrate_first().connect().await.unwrap();
    let outbox = Outbox::new(store.clone());
    let entry =
        Entry::new(caep::SessionRevoked::new(), Subject::email("ada@example.com")).to("acme").jti("known");
    let (message, _) = outbox.to_message(&entry).unwrap();
    outbox.enqueue(entry).await.unwrap();
    let (client, connection) = tokio_postgres::connect(&shared().url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    for text in ["hunter2", &message.to_json().unwrap()] {
        client.execute("INSERT INTO cli_refused.inbox (entry) VALUES ($1)", &[&text]).await.unwrap();
    }
    while outbox.health().await.unwrap().refused != Some(2) {
        store.claim(Claim::new(1, 1, std::time::Duration::from_mins(1), 5)).await.unwrap();
    }
    let listed = run("cli_refused", &["refused"]).await;
    let lines: Vec<_> = listed.text().lines().collect();
    assert!(
        lines[0].starts_with("1  refused at ")
            && lines[0].ends_with(": outbox_entry_invalid; it is not an entry")
    );
    assert!(lines[1].ends_with(": outbox_conflict; caep.session-revoked to acme"), "{listed:?}");
    let second = run("cli_refused", &["--json", "refused", "--after", "1", "--limit", "5"]).await.json();
    assert_eq!((&second["id"], &second["jtis"]), (&2.into(), &vec!["known"].into()));
    ssf(&["outbox", "--file", "outbox.db", "refused"], &[]).await.fails_saying(&["--database"]);
}

#[tokio::test]
async fn statements_are_printed_without_a_database() {
    let tables = ssf(&["outbox", "--schema", "mine", "migrate", "--print"], &[]).await;
    assert!(tables.text().starts_with("CREATE SCHEMA IF NOT EXISTS \"mine\";"), "{tables:?}");
    assert!(tables.text().contains("CREATE TABLE deliveries"));
    let roles = ssf(&["outbox", "--schema", "mine", "migrate", "--roles"], &[]).await;
    assert!(roles.text().contains("ON \"mine\".deliveries TO \"mine_enqueue\";"), "{roles:?}");
    ssf(&["outbox", "--schema", "Mine", "migrate", "--roles"], &[])
        .await
        .fails_saying(&["lower-case letters"]);
}

#[tokio::test]
async fn passwords_are_not_taken_from_the_command_line() {
    for url in [
        "postgresql://ada:hunter2@db/app",
        "postgresql://db/app?password=hunter2",
        "mysql://ada:hunter2@db/app",
    ] {
        let refused = ssf(&["outbox", "--database", url, "stats"], &[]).await;
        assert_eq!(refused.code, Some(2), "{refused:?}");
        refused.fails_saying(&["env:NAME"]);
        assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
    }
    let nobody = ("OUTBOX", "postgresql://ada:hunter2@127.0.0.1:1/app");
    let refused = ssf(&["outbox", "--database", "env:OUTBOX", "stats"], &[nobody]).await;
    assert_eq!(refused.code, Some(13), "{refused:?}");
    assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
    ssf(&["outbox", "stats"], &[]).await.fails_saying(&["--file or --database"]);
    ssf(&["outbox", "--file", "outbox.db", "migrate"], &[]).await.fails_saying(&["--database"]);
    // A URL without a password may be given as it is.
    let shown = ssf(&["outbox", "--database", &shared().url(), "--schema", "cli_none", "stats"], &[]).await;
    shown.fails_saying(&["schema cli_none: ", "migrate the outbox first"]);
}
