//! A worker of an outbox. It runs on the threads of the library, and asks Swift for receivers and signatures.

use std::sync::{Arc, Mutex, PoisonError};

use ssf_bindings::{
    invalid,
    outbox::{Question as Asked, Questions, Reply, WorkerSettings},
    set,
};
use ssf_transmitter::{
    self as sdk,
    client::{Drained, WorkerHandle},
    outbox::Alert,
};
use tokio::{sync::Mutex as AsyncMutex, task::JoinHandle};

use crate::{
    failure::{Failure, Result},
    outbox::Outbox,
    outbox_records::OutboxFailure,
    pending::SigningRequest,
    policy::span_of,
    receiver::Receiver,
    records::ErrorParts,
    runtime::runtime,
    transmitter::Transmitter,
};

/// The settings of a worker. Spans are in seconds.
#[derive(uniffi::Record)]
pub struct WorkerOptions {
    pub concurrency: Option<i64>,
    pub per_receiver: Option<i64>,
    pub lease: Option<f64>,
    pub grace: Option<f64>,
    pub poll: Option<f64>,
    pub max_attempts: Option<i64>,
    pub base: Option<f64>,
    pub max_backoff: Option<f64>,
    pub keep_delivered: Option<f64>,
    pub keep_dead: Option<f64>,
    pub keep_discarded: Option<f64>,
}

impl WorkerOptions {
    fn settings(self) -> sdk::Result<WorkerSettings> {
        let span = |seconds: Option<f64>| seconds.map(span_of).transpose();
        let count = |number: Option<i64>, message| {
            number.map(u32::try_from).transpose().map_err(|_| invalid(message))
        };
        let concurrency = "the concurrency of a worker must be at least 1";
        Ok(WorkerSettings {
            concurrency: count(self.concurrency, concurrency)?,
            per_receiver: count(self.per_receiver, concurrency)?,
            lease: span(self.lease)?,
            grace: span(self.grace)?,
            poll: span(self.poll)?,
            max_attempts: count(self.max_attempts, "the number of attempts must be at least 1")?,
            base: span(self.base)?,
            max_backoff: span(self.max_backoff)?,
            keep_delivered: span(self.keep_delivered)?,
            keep_dead: span(self.keep_dead)?,
            keep_discarded: span(self.keep_discarded)?,
        })
    }
}

/// How a worker is.
#[derive(uniffi::Record)]
pub struct WorkerHealth {
    pub in_flight: u64,
    pub delivered: u64,
    pub failed: u64,
    pub lost: u64,
    pub store_errors: u64,
    /// The code of the last error of the store.
    pub store_error: Option<String>,
}

/// What a worker did.
#[derive(uniffi::Record)]
pub struct WorkerResult {
    pub delivered: u64,
    pub failed: u64,
}

/// A worker that runs.
#[derive(uniffi::Object)]
pub struct RunningWorker {
    handle: WorkerHandle,
    questions: AsyncMutex<Questions>,
    ended: Mutex<Option<JoinHandle<sdk::Result<Drained>>>>,
    /// How long a signature may take, in seconds.
    time: f64,
}

#[uniffi::export]
impl RunningWorker {
    /// Starts a worker: until it is stopped, or, to drain, until nothing is ready.
    #[uniffi::constructor]
    pub fn start(
        outbox: Arc<Outbox>,
        transmitter: Arc<Transmitter>,
        options: WorkerOptions,
        drain: bool,
    ) -> Result<Arc<Self>> {
        let (worker, questions) = options.settings()?.worker(outbox.core()?, transmitter.core.clone(), None);
        let handle = worker.handle();
        let ended = runtime()?.spawn(async move {
            if drain { worker.drain().await } else { worker.run().await.map(|()| Drained::default()) }
        });
        Ok(Arc::new(Self {
            handle,
            questions: AsyncMutex::new(questions),
            ended: Mutex::new(Some(ended)),
            time: transmitter.core.deadline().as_secs_f64(),
        }))
    }

    /// What it asks next; `None` when it has ended.
    pub async fn next(&self) -> Option<Question> {
        let mut questions = self.questions.lock().await;
        loop {
            // One that is not known here fails: it is dropped.
            if let Some(question) = Question::of(questions.next().await?, self.time) {
                return Some(question);
            }
        }
    }

    /// Why it ended, or what it did. Waits for its end.
    pub async fn result(&self) -> Result<WorkerResult> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = ended.ok_or_else(|| Failure::internal("the result of the worker was taken"))?;
        let drained = ended.await.map_err(|_| Failure::internal("the worker ended without a result"))??;
        Ok(WorkerResult { delivered: drained.delivered, failed: drained.failed })
    }

    /// Asks it to end.
    pub fn stop(&self) {
        self.handle.stop();
    }

    pub fn health(&self) -> WorkerHealth {
        let health = self.handle.health();
        WorkerHealth {
            in_flight: health.in_flight,
            delivered: health.delivered,
            failed: health.failed,
            lost: health.lost,
            store_errors: health.store_errors,
            store_error: health.store_error.map(|error| error.code().as_str().to_owned()),
        }
    }
}

/// What a worker asks, or tells.
#[derive(uniffi::Enum)]
pub enum Question {
    /// The receiver with this name.
    Receiver { name: String, answer: Arc<ReceiverAnswer> },
    /// A signature.
    Signature { request: SigningRequest, answer: Arc<SignatureAnswer> },
    /// No question: a receiver was paused.
    Paused { receiver: String, failure: OutboxFailure },
    /// No question: a receiver was resumed.
    Resumed { receiver: String },
}

impl Question {
    fn of(asked: Asked, time: f64) -> Option<Self> {
        Some(match asked {
            Asked::Receiver { name, reply } => {
                Self::Receiver { name, answer: Arc::new(ReceiverAnswer(Slot::of(reply))) }
            }
            Asked::Sign { key, set, reply } => {
                let request = SigningRequest {
                    kid: key.kid().unwrap_or_default().to_owned(),
                    signing_input: set.signing_input().to_vec(),
                    time_left: time,
                };
                Self::Signature { request, answer: Arc::new(SignatureAnswer { set, slot: Slot::of(reply) }) }
            }
            Asked::Alert { receiver, alert: Alert::Paused(failure) } => {
                Self::Paused { receiver, failure: failure.into() }
            }
            Asked::Alert { receiver, .. } => Self::Resumed { receiver },
            _ => return None,
        })
    }
}

/// Where the answer of one question goes. Dropped without one, the question has failed.
struct Slot<T>(Mutex<Option<Reply<T>>>);

impl<T> Slot<T> {
    fn of(reply: Reply<T>) -> Self {
        Self(Mutex::new(Some(reply)))
    }

    /// The first answer counts.
    fn answer(&self, answer: sdk::Result<T>) {
        if let Some(reply) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            reply.answer(answer);
        }
    }
}

/// The answer to the question for a receiver.
#[derive(uniffi::Object)]
pub struct ReceiverAnswer(Slot<Option<sdk::Receiver>>);

#[uniffi::export]
impl ReceiverAnswer {
    /// Answers with a receiver, or with `None` if there is none.
    pub fn found(&self, receiver: Option<Arc<Receiver>>) {
        self.0.answer(Ok(receiver.map(|receiver| receiver.0.clone())));
    }

    /// Answers with the error that says why there is no answer.
    pub fn failed(&self, error: ErrorParts) {
        self.0.answer(Err(error.into()));
    }
}

/// The answer to the question for a signature.
#[derive(uniffi::Object)]
pub struct SignatureAnswer {
    set: sdk::UnsignedSet,
    slot: Slot<sdk::SignedSet>,
}

#[uniffi::export]
impl SignatureAnswer {
    /// Answers with a signature, in the form of JWS or in DER.
    pub fn signed(&self, signature: Vec<u8>, der: bool) {
        self.slot.answer(self.set.clone().attach(set::signature(signature, der)));
    }

    /// Answers with the error that says why there is none.
    pub fn failed(&self, error: ErrorParts) {
        self.slot.answer(Err(error.into()));
    }
}
