//! `ssf outbox`: sends what an outbox holds, looks into it, and repairs it.

mod filter;
pub(super) mod place;
mod shown;
mod work;

use std::path::PathBuf;

use serde_json::{Value, json};
use ssf_transmitter::{
    ErrorCode,
    outbox::{Filter, Outbox, Record, Replay, Store},
};
use ssf_transmitter_postgres::PostgresStore;
use ssf_transmitter_store::SqliteStore;

use super::{Class, Failure, Result, block_on, output::print};
use filter::Selection;
use place::{Open, Place};

/// How many are read at once.
const PAGE: u32 = 1000;

/// Send what an outbox holds, look into it, replay what failed, and hold receivers
///
/// Workers may go on meanwhile: the file or the database is shared with them.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    operation: Operation,
}

#[derive(clap::Subcommand)]
enum Operation {
    /// Send what waits
    ///
    /// Works until it is interrupted; deliveries in flight may end then. Tells on standard error when a receiver is paused or resumed.
    Work(Box<work::Arguments>),
    /// Count deliveries, and show the health of the outbox and of its receivers
    ///
    /// Prints how many deliveries were accepted and what happened to them, since when the oldest one waits, how many were delivered in the
    /// last minute, the size of the file, and each receiver that is paused or has deliveries that wait, with its last failure.
    Stats,
    /// List deliveries in the order in which they were enqueued
    List {
        #[command(flatten)]
        selection: Selection,
        /// Print this many at most
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: u32,
    },
    /// Show a delivery with all its attempts
    Show {
        /// The id of its SET
        jti: String,
    },
    /// Let deliveries wait again that have ended
    ///
    /// Without `--state`, these are the dead ones. Prints how many.
    Replay {
        #[command(flatten)]
        selection: Selection,
        /// Count them, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Give each a new `jti`, for receivers that would ignore one that they know
        #[arg(long)]
        fresh_jti: bool,
    },
    /// Discard deliveries that wait
    ///
    /// Prints how many. Without a condition, it fails: `--all` discards all of them.
    Discard {
        #[command(flatten)]
        selection: Selection,
        /// Count them, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Discard all deliveries that wait
        #[arg(long)]
        all: bool,
    },
    /// Hold the deliveries to a receiver
    Hold {
        /// Its name
        receiver: String,
    },
    /// Let the deliveries to a held or paused receiver go
    Release {
        /// Its name
        receiver: String,
    },
    /// List entries of transactions that could not be taken over, in a database
    ///
    /// Prints of each its number, when it was refused and why, and what it would have delivered.
    Refused {
        /// Only those after this number: the last one of the page before
        #[arg(long, value_name = "NUMBER")]
        after: Option<i64>,
        /// Print this many at most
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: u32,
    },
    /// Check the file for damage
    Check,
    /// Copy the outbox into a new file, as it is at one moment
    ///
    /// A worker that runs on the copy sends again what was delivered since, with the same `jti`.
    Backup {
        /// The new file
        target: PathBuf,
    },
    /// Create the tables in the database, or bring those of an older version to this one
    ///
    /// Run it as the owner of the tables, before programs of a new version start. Any number of processes may run it at once.
    Migrate {
        /// Print the statements that create the tables, for a migration tool that runs them in a transaction, and change nothing
        #[arg(long, conflicts_with = "roles")]
        print: bool,
        /// Print the statements that create a role for each job and grant it no more than that needs, and change nothing
        ///
        /// `SCHEMA_enqueue` accepts entries and cannot read them, `SCHEMA_host` only fills the inbox, `SCHEMA_work` sends, and `SCHEMA_read` looks.
        #[arg(long)]
        roles: bool,
    },
}

pub(crate) fn run(arguments: Arguments, json: bool) -> Result {
    let Arguments { place, operation } = arguments;
    match operation {
        Operation::Migrate { print: true, .. } => {
            return statements(&place, &PostgresStore::schema_sql(place.schema())?, json);
        }
        Operation::Migrate { roles: true, .. } => {
            return statements(&place, &PostgresStore::roles_sql(place.schema())?, json);
        }
        _ => {}
    }
    let work = async {
        if matches!(operation, Operation::Migrate { .. }) {
            place.database()?.migrate().await?;
            return done("migrated", place.schema(), json);
        }
        if let Operation::Refused { after, limit } = operation {
            let store = place.database()?.connect().await?;
            let listed = refused(&store, after, limit, json).await;
            store.close().await?;
            return listed;
        }
        let open = place.open(matches!(operation, Operation::Work(_))).await?;
        let performed = perform(&open, operation, json).await;
        open.outbox.close().await?;
        performed
    };
    block_on(work).map_err(|failure| match failure.class() {
        Class::Usage => failure,
        _ => failure.or_in_place(place.shown()),
    })
}

async fn perform(open: &Open, operation: Operation, json: bool) -> Result {
    let outbox = &open.outbox;
    match operation {
        Operation::Work(arguments) => work::run(outbox, *arguments, json).await,
        Operation::Stats => stats(outbox, json).await,
        Operation::List { selection, limit } => list(outbox, selection.filter()?, limit, json).await,
        Operation::Show { jti } => show(outbox, &jti, json).await,
        Operation::Replay { selection, dry_run, fresh_jti } => {
            let replay = Replay::new(selection.filter()?);
            let replay = if dry_run { replay.dry_run() } else { replay };
            let replay = if fresh_jti { replay.fresh_jti() } else { replay };
            number("replayed", dry_run, outbox.replay(replay).await?, json)
        }
        Operation::Discard { selection, dry_run, all } => {
            let filter = selection.filter()?;
            if filter == Filter::new() && !all {
                return Err(Failure::usage("name what to discard, or set --all"));
            }
            let discarded = if dry_run {
                outbox.count_discardable(filter).await?
            } else {
                outbox.discard(filter).await?
            };
            number("discarded", dry_run, discarded, json)
        }
        Operation::Hold { receiver } => {
            outbox.hold(&receiver).await?;
            done("held", &receiver, json)
        }
        Operation::Release { receiver } => {
            outbox.release(&receiver).await?;
            done("released", &receiver, json)
        }
        Operation::Check => check(open.file()?, json).await,
        Operation::Backup { target } => {
            open.file()?.backup(&target).await?;
            done("backup", &target.display().to_string(), json)
        }
        // Done without an open outbox.
        Operation::Migrate { .. } | Operation::Refused { .. } => Ok(()),
    }
}

/// Prints statements of SQL.
fn statements(place: &Place, sql: &str, json: bool) -> Result {
    let sql = sql.trim_end();
    print(&if json { json!({ "schema": place.schema(), "sql": sql }).to_string() } else { sql.to_owned() })
}

/// Says as JSON what was done to what; people see it from the exit code.
fn done(what: &str, to: &str, json: bool) -> Result {
    if json { print(&json!({ what: to }).to_string()) } else { Ok(()) }
}

/// Prints how many deliveries a change concerned.
fn number(what: &str, dry_run: bool, number: u64, json: bool) -> Result {
    if json {
        return print(&json!({ what: number, "dry_run": dry_run }).to_string());
    }
    let would = if dry_run { "would be " } else { "" };
    print(&format!("{number} {would}{what}"))
}

async fn stats(outbox: &Outbox, json: bool) -> Result {
    let (counts, health) = (outbox.counts().await?, outbox.health().await?);
    let mut receivers = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = outbox.receivers(after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        receivers.extend(page);
    }
    if json {
        let receivers: Vec<Value> = receivers.iter().map(shown::receiver_json).collect();
        let health = shown::health_json(&health);
        let stats =
            json!({ "counts": shown::counts_json(&counts), "health": health, "receivers": receivers });
        return print(&stats.to_string());
    }
    print(&shown::counts_text(&counts))?;
    print(&shown::health_text(&health))?;
    receivers.iter().filter_map(shown::receiver_text).try_for_each(|line| print(&line))
}

async fn list(outbox: &Outbox, filter: Filter, limit: u32, json: bool) -> Result {
    let (mut left, mut after) = (limit, None::<Record>);
    while left > 0 {
        let page = outbox.list(filter.clone(), after.as_ref(), left.min(PAGE)).await?;
        for record in &page {
            print(&if json { shown::record_json(record).to_string() } else { shown::record_text(record) })?;
        }
        left -= u32::try_from(page.len()).unwrap_or(left);
        after = page.last().cloned();
        if after.is_none() {
            break;
        }
    }
    Ok(())
}

async fn refused(store: &PostgresStore, after: Option<i64>, limit: u32, json: bool) -> Result {
    for entry in store.refused(after, limit).await? {
        print(&if json { shown::refused_json(&entry).to_string() } else { shown::refused_text(&entry) })?;
    }
    Ok(())
}

async fn show(outbox: &Outbox, jti: &str, json: bool) -> Result {
    let Some(history) = outbox.history(jti).await? else {
        let message = "the outbox has no delivery with this jti, or no longer";
        return Err(Failure::new(Class::Outbox, message));
    };
    if json {
        let mut record = shown::record_json(&history.record);
        record["attempt_log"] = history.attempts.iter().map(shown::attempt_json).collect();
        return print(&record.to_string());
    }
    print(&shown::record_text(&history.record))?;
    history.attempts.iter().try_for_each(|attempt| print(&shown::attempt_text(attempt)))
}

async fn check(store: &SqliteStore, json: bool) -> Result {
    let problems = store.check().await?;
    if json {
        print(&json!({ "problems": problems }).to_string())?;
    } else {
        problems.iter().try_for_each(|problem| print(problem))?;
    }
    if problems.is_empty() {
        return if json { Ok(()) } else { print("the file is whole") };
    }
    let message = format!("the file is damaged [{}]", ErrorCode::OutboxCorrupt.as_str());
    Err(Failure::new(Class::Outbox, message))
}
