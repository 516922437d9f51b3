//! Events of `tracing` on their way to Python's `logging`.
//!
//! Until [`enable_logging`] is called there is no subscriber, and an event costs next to nothing. After that, events are put
//! into a queue wherever they happen, and forwarded by a thread that holds the interpreter: the one that waits for the
//! result, the event loop, or else one of ours.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, ThreadId},
    time::Duration,
};

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyFunction},
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use crate::{attach, imports::import, process::PerProcess};

const TARGET: &str = "ssf_transmitter";
/// More than this wait only if Python does not run at all: the oldest go first.
const MOST: usize = 10_000;

static ENABLED: OnceLock<()> = OnceLock::new();
static QUEUE: PerProcess<Mutex<VecDeque<Record>>> = PerProcess::new();
/// The thread that gives records to `logging` now. One at a time keeps them in order, and those of a call before its result.
static GIVER: PerProcess<Mutex<Option<ThreadId>>> = PerProcess::new();
/// The pause between two looks whether it is a thread's turn.
const PAUSE: Duration = Duration::from_micros(100);

/// How long a thread waits for its turn. The thread whose turn it is may itself wait for this one, if this one calls from
/// within a handler of `logging`; it forwards what is in the queue, so a wait is only for the order.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    /// A second.
    Long,
    /// Some milliseconds, on the thread of an event loop.
    Short,
}

impl Patience {
    fn looks(self) -> u32 {
        match self {
            Self::Long => 10_000,
            Self::Short => 50,
        }
    }
}

struct Record {
    level: Level,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

enum Value {
    Text(String),
    Number(i64),
}

/// Forwards events from now on.
#[pyfunction]
pub(crate) fn enable_logging() {
    ENABLED.get_or_init(|| {
        // This library has a `tracing` of its own: nobody else can have set its subscriber.
        let _ = tracing::subscriber::set_global_default(Forwarder { spans: AtomicU64::new(1) });
    });
}

/// Gives what is in the queue to `logging`.
pub(crate) fn forward(py: Python<'_>, patience: Patience) {
    static LOG: PyOnceLock<Py<PyFunction>> = PyOnceLock::new();
    if ENABLED.get().is_none() {
        return;
    }
    let Ok(log) = import(&LOG, py, "ssf_transmitter._logging", "_forward") else { return };
    let Some(_turn) = Turn::take(py, patience) else { return };
    while let Some(record) = queue().and_then(|mut queue| queue.pop_front()) {
        if let Err(error) = record.give(log) {
            error.write_unraisable(py, None);
        }
    }
}

fn queue() -> Option<MutexGuard<'static, VecDeque<Record>>> {
    let queue = QUEUE.get(|| Ok::<_, ()>(Mutex::default())).ok()?;
    Some(queue.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The right to give records to `logging`.
struct Turn;

impl Turn {
    /// Waits for it. `None` in a handler of `logging` that calls us again: whoever called the handler goes on.
    fn take(py: Python<'_>, patience: Patience) -> Option<Self> {
        let this = thread::current().id();
        for _ in 0..patience.looks() {
            {
                let mut giver = giver()?;
                match *giver {
                    Some(thread) if thread == this => return None,
                    Some(_) => {}
                    None => {
                        *giver = Some(this);
                        return Some(Self);
                    }
                }
            }
            py.detach(|| thread::sleep(PAUSE));
        }
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(mut giver) = giver() {
            *giver = None;
        }
    }
}

fn giver() -> Option<MutexGuard<'static, Option<ThreadId>>> {
    let giver = GIVER.get(|| Ok::<_, ()>(Mutex::default())).ok()?;
    Some(giver.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Has a thread of ours forward what nobody else does.
fn tell() {
    static TELLER: PerProcess<mpsc::SyncSender<()>> = PerProcess::new();
    let start = || {
        let (sender, receiver) = mpsc::sync_channel::<()>(1);
        let thread = thread::Builder::new().name("ssf-transmitter-log".to_owned());
        let forward_all = move || {
            for () in receiver {
                attach::enter(|py| forward(py, Patience::Long));
            }
        };
        thread.spawn(move || attach::stay(forward_all))?;
        Ok::<_, std::io::Error>(sender)
    };
    if let Ok(teller) = TELLER.get(start) {
        // Full: it was told already.
        let _ = teller.try_send(());
    }
}

impl Record {
    fn give(self, log: &Bound<'_, PyFunction>) -> PyResult<()> {
        let extra = PyDict::new(log.py());
        for (name, value) in self.fields {
            match value {
                Value::Text(text) => extra.set_item(name, text)?,
                Value::Number(number) => extra.set_item(name, number)?,
            }
        }
        log.call1((self.level.as_str(), self.message, extra)).map(|_| ())
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push((name, Value::Text(format!("{value:?}")))),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push((field.name(), Value::Text(value.to_owned())));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.push((field.name(), Value::Number(value)));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.record_i64(field, i64::try_from(value).unwrap_or(i64::MAX));
    }
}

/// Puts events of the core into the queue; spans say nothing that the events do not.
struct Forwarder {
    spans: AtomicU64,
}

impl Subscriber for Forwarder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().split("::").next() == Some(TARGET)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let fields = vec![("event_name", Value::Text(metadata.name().to_owned()))];
        let mut record = Record { level: *metadata.level(), message: String::new(), fields };
        event.record(&mut record);
        if let Some(mut queue) = queue() {
            if queue.len() == MOST {
                queue.pop_front();
            }
            queue.push_back(record);
        }
        tell();
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
