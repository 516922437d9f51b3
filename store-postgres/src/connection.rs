//! A connection, and the statements that are prepared on it.
//!
//! Parsing and planning a small statement takes longer than running it. So statements that are used often are prepared, where the
//! connection leads to the server itself: a pooler may send the next transaction to another process, which does not know them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tokio_postgres::{
    Client, Row, Statement,
    types::{ToSql, Type},
};

use crate::{
    failed::{Done, Failed},
    process,
    schema::{Schema, text},
    values::Value,
};

/// Settings of the planner for statements that are prepared. Such a plan is for lists of any length, which it takes for ten rows: loops
/// over indexes suit all of them.
const PLANNER: &[(&str, &str)] = &[
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// How long plans are kept. One from the time when a table was small may read all of it later; PostgreSQL replaces it only when it
/// analyzes the table.
const AGE: Duration = Duration::from_secs(1);

/// Whether the connections of a store prepare statements. It is shared by all of them.
#[derive(Clone)]
pub(crate) struct Preparing {
    /// `None`: if the connection leads to the server itself.
    wanted: Option<bool>,
    /// Whether a statement was lost.
    lost: Arc<AtomicBool>,
}

impl Preparing {
    pub(crate) fn new(wanted: Option<bool>) -> Self {
        Self { wanted, lost: Arc::default() }
    }

    /// Whoever takes the statements away does so again.
    pub(crate) fn stop(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    fn is_possible(&self) -> bool {
        self.wanted != Some(false) && !self.lost.load(Ordering::Relaxed)
    }
}

pub(crate) struct Connection {
    pub(crate) client: Client,
    preparing: Preparing,
    /// The statement that makes names mean the schema of the outbox.
    enter: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The process that was named when the connection was made.
    named: Option<i64>,
    /// Whether transactions run in that process.
    direct: bool,
    /// Whether the planner has its settings.
    planner: bool,
    /// Whether the statements of this transaction are used often.
    often: bool,
    prepared: HashMap<String, Statement>,
    /// Statements that were used and are not prepared, and the types of their parameters.
    used: HashMap<String, Vec<Type>>,
    /// Since when statements are noted in both.
    since: Option<Instant>,
}

impl Connection {
    pub(crate) async fn new(client: Client, preparing: Preparing, schema: &Schema) -> Done<Self> {
        let named = if preparing.wanted.is_none() { process::named(&client).await } else { None };
        let state = Mutex::new(State { named: named.map(i64::from), ..State::default() });
        let connection = Self { client, preparing, enter: schema.enter_session(), state };
        if connection.preparing.is_possible() {
            let told = text(&connection.client, "SELECT pg_backend_pid()").await?;
            connection.runs_in(told.and_then(|process| process.parse().ok()).ok_or_else(Failed::corrupt)?)?;
        }
        Ok(connection)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gets ready for a transaction: prepares what was used before, and forgets what is old. Returns what the transaction begins with.
    pub(crate) async fn ready(&self, often: bool) -> Done<String> {
        let (used, planner) = {
            let mut state = self.state();
            state.often = often;
            if state.since.is_some_and(|since| since.elapsed() > AGE) {
                (state.since, state.prepared, state.used) = Default::default();
            }
            let used = if often { std::mem::take(&mut state.used) } else { HashMap::new() };
            (used, state.planner)
        };
        if !used.is_empty() && !planner {
            let settings = PLANNER.iter().map(|(name, value)| format!("SET {name} TO {value};"));
            self.client.batch_execute(&settings.chain([self.enter.clone()]).collect::<String>()).await?;
            self.state().planner = true;
        }
        for (statement, types) in used {
            match self.client.prepare_typed(&statement, &types).await {
                Ok(prepared) => drop(self.state().prepared.insert(statement, prepared)),
                // What the server does not like about it, the statement itself will tell.
                Err(error) if error.code().is_some() => {}
                Err(error) => return Err(error.into()),
            }
        }
        // What is not used often is planned as usual.
        let usual = |(name, _): &(&str, &str)| format!("SET LOCAL {name} TO DEFAULT;");
        Ok(if planner && !often { PLANNER.iter().map(usual).collect() } else { String::new() })
    }

    /// Notes which process runs the transaction. It fails if it is not the one that has the prepared statements.
    pub(crate) fn runs_in(&self, process: i64) -> Done<()> {
        let mut state = self.state();
        let named = match self.preparing.wanted {
            Some(true) => *state.named.get_or_insert(process),
            _ => state.named.unwrap_or_default(),
        };
        let was_direct = std::mem::replace(&mut state.direct, named == process);
        if was_direct && !state.direct {
            self.preparing.stop();
            return Err(Failed::Again);
        }
        Ok(())
    }

    /// The statement as it is prepared. If it is not, it will be in the next transaction.
    fn prepared(&self, statement: &str, values: &[Value<'_>]) -> Option<Statement> {
        let mut state = self.state();
        if !state.often || !state.direct || !self.preparing.is_possible() {
            return None;
        }
        let prepared = state.prepared.get(statement).cloned();
        if prepared.is_none() && !state.used.contains_key(statement) {
            state.since.get_or_insert_with(Instant::now);
            let types = values.iter().map(|(_, of)| of.clone()).collect();
            state.used.insert(statement.to_owned(), types);
        }
        prepared
    }

    pub(crate) async fn query(&self, statement: &str, values: &[Value<'_>]) -> Done<Vec<Row>> {
        Ok(match self.prepared(statement, values) {
            Some(prepared) => self.client.query(&prepared, &parameters(values)).await?,
            None => self.client.query_typed(statement, values).await?,
        })
    }

    /// Runs a statement, and returns how many rows it has changed.
    pub(crate) async fn execute(&self, statement: &str, values: &[Value<'_>]) -> Done<u64> {
        Ok(match self.prepared(statement, values) {
            Some(prepared) => self.client.execute(&prepared, &parameters(values)).await?,
            None => self.client.execute_typed(statement, values).await?,
        })
    }
}

fn parameters<'a>(values: &[Value<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|(value, _)| *value).collect()
}
