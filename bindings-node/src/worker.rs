//! A worker of an outbox. It runs on the threads of the library, and asks JavaScript for receivers and signatures.

use std::sync::Arc;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_bindings::{
    outbox::{self, Questions, Reply},
    set::signature,
};
use ssf_transmitter::{
    self as sdk, UnsignedSet,
    client::{Drained, WorkerHandle},
    outbox::Alert,
};
use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    deliveries::{DeliveryFailure, count},
    failure::{Failure, Outcome},
    mailbox::Mailbox,
    outbox::Outbox,
    policy::milliseconds,
    receiver::Receiver,
    records::ErrorParts,
    streams::StreamApi,
    transmitter::Transmitter,
};

/// The settings of a worker. Spans are in milliseconds.
#[napi(object, object_to_js = false)]
pub struct WorkerSettings {
    pub concurrency: Option<u32>,
    pub per_receiver: Option<u32>,
    pub lease: Option<f64>,
    pub grace: Option<f64>,
    pub poll: Option<f64>,
    pub max_attempts: Option<u32>,
    pub base: Option<f64>,
    pub max_backoff: Option<f64>,
    pub keep_delivered: Option<f64>,
    pub keep_dead: Option<f64>,
    pub keep_discarded: Option<f64>,
}

impl WorkerSettings {
    fn read(self) -> sdk::Result<outbox::WorkerSettings> {
        let span = |span: Option<f64>| span.map(milliseconds).transpose();
        Ok(outbox::WorkerSettings {
            concurrency: self.concurrency,
            per_receiver: self.per_receiver,
            lease: span(self.lease)?,
            grace: span(self.grace)?,
            poll: span(self.poll)?,
            max_attempts: self.max_attempts,
            base: span(self.base)?,
            max_backoff: span(self.max_backoff)?,
            keep_delivered: span(self.keep_delivered)?,
            keep_dead: span(self.keep_dead)?,
            keep_discarded: span(self.keep_discarded)?,
        })
    }
}

/// A worker that runs. It is asked to end when JavaScript forgets it, as a thread does that ends.
#[napi]
pub struct RunningWorker {
    handle: WorkerHandle,
    questions: Arc<Mutex<Questions>>,
    ended: Option<JoinHandle<sdk::Result<Drained>>>,
}

impl Drop for RunningWorker {
    fn drop(&mut self) {
        self.handle.stop();
    }
}

/// What a worker that has ended did.
#[napi(object, object_from_js = false)]
pub struct DrainedCounts {
    pub delivered: f64,
    pub failed: f64,
}

/// How a worker is.
#[napi(object, object_from_js = false)]
pub struct WorkerHealth {
    pub in_flight: f64,
    pub delivered: f64,
    pub failed: f64,
    pub lost: f64,
    pub store_errors: f64,
    pub store_error: Option<&'static str>,
}

#[napi]
impl RunningWorker {
    /// Starts a worker: until it is stopped, or until nothing is ready.
    #[napi]
    pub fn start(
        mailbox: &Mailbox,
        number: u32,
        outbox: &Outbox,
        transmitter: &Transmitter,
        settings: WorkerSettings,
        drain: bool,
        streams: Option<&StreamApi>,
    ) -> Outcome<()> {
        let (outbox, transmitter) = (outbox.opened(), transmitter.core().clone());
        let streams = streams.map(StreamApi::core);
        mailbox.spawn(number, async move {
            let streams = match streams {
                Some(streams) => Some(streams.await?),
                None => None,
            };
            let (worker, questions) = settings.read()?.worker(outbox.await?, transmitter, streams);
            let handle = worker.handle();
            let ended = tokio::spawn(async move {
                if drain { worker.drain().await } else { worker.run().await.map(|()| Drained::default()) }
            });
            Ok(Self { handle, questions: Arc::new(Mutex::new(questions)), ended: Some(ended) })
        })
    }

    /// What it asks next; `None` when it has ended.
    #[napi]
    pub fn next(&self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let questions = self.questions.clone();
        mailbox.spawn(number, async move { Ok(questions.lock().await.next().await.map(Question::of)) })
    }

    /// What it did, or why it ended.
    #[napi]
    pub fn result(&mut self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let ended = self.ended.take();
        mailbox.spawn(number, async move {
            let lost = || Failure::internal("the worker ended without a result");
            let drained = ended.ok_or_else(lost)?.await.map_err(|_| lost())??;
            Ok(DrainedCounts { delivered: count(drained.delivered), failed: count(drained.failed) })
        })
    }

    /// Asks it to end.
    #[napi]
    pub fn stop(&self) {
        self.handle.stop();
    }

    #[napi]
    pub fn health(&self) -> WorkerHealth {
        let health = self.handle.health();
        WorkerHealth {
            in_flight: count(health.in_flight),
            delivered: count(health.delivered),
            failed: count(health.failed),
            lost: count(health.lost),
            store_errors: count(health.store_errors),
            store_error: health.store_error.map(|error| error.code().as_str()),
        }
    }
}

/// What a worker asks: the receiver with a name, a signature, or nothing (an alert). Without an answer it is a failure.
#[napi]
pub struct Question(Asked);

enum Asked {
    Receiver(String, Option<Reply<Option<sdk::Receiver>>>),
    Signature(Box<(String, UnsignedSet)>, Option<Reply<sdk::SignedSet>>),
    Alert(String, Option<Alert>),
}

/// A signature that a worker needs.
#[napi(object, object_from_js = false)]
pub struct ToSign {
    /// Of the key; empty if it has none.
    pub kid: String,
    pub signing_input: Uint8Array,
    pub digest: Option<Uint8Array>,
}

impl Question {
    fn of(question: outbox::Question) -> Self {
        Self(match question {
            outbox::Question::Receiver { name, reply } => Asked::Receiver(name, Some(reply)),
            outbox::Question::Sign { key, set, reply } => {
                Asked::Signature(Box::new((key.kid().unwrap_or_default().to_owned(), set)), Some(reply))
            }
            outbox::Question::Alert { receiver, alert } => Asked::Alert(receiver, Some(alert)),
            _ => Asked::Alert(String::new(), None),
        })
    }
}

#[napi]
impl Question {
    /// `receiver`, `signature`, `paused` or `resumed`.
    #[napi(getter)]
    pub fn kind(&self) -> &'static str {
        match &self.0 {
            Asked::Receiver(..) => "receiver",
            Asked::Signature(..) => "signature",
            Asked::Alert(_, Some(Alert::Paused(_))) => "paused",
            Asked::Alert(..) => "resumed",
        }
    }

    /// The name of the receiver, except of a signature.
    #[napi(getter)]
    pub fn receiver(&self) -> Option<String> {
        match &self.0 {
            Asked::Receiver(name, _) | Asked::Alert(name, _) => Some(name.clone()),
            Asked::Signature(..) => None,
        }
    }

    /// Why a receiver was paused.
    #[napi(getter)]
    pub fn failure(&self) -> Option<DeliveryFailure> {
        match &self.0 {
            Asked::Alert(_, Some(Alert::Paused(failure))) => Some(failure.clone().into()),
            _ => None,
        }
    }

    /// What must be signed.
    #[napi]
    pub fn to_sign(&self) -> Option<ToSign> {
        let Asked::Signature(wanted, _) = &self.0 else { return None };
        let (kid, set) = &**wanted;
        Some(ToSign {
            kid: kid.clone(),
            signing_input: set.signing_input().to_vec().into(),
            digest: set.digest().map(Into::into),
        })
    }

    /// Answers with the receiver, or with `None` if there is none.
    #[napi]
    pub fn found(&mut self, receiver: Option<&Receiver>) {
        if let Asked::Receiver(_, reply) = &mut self.0
            && let Some(reply) = reply.take()
        {
            reply.answer(Ok(receiver.map(|receiver| receiver.0.clone())));
        }
    }

    /// Answers with the signature.
    #[napi]
    pub fn signed(&mut self, bytes: Uint8Array, der: bool) {
        if let Asked::Signature(wanted, reply) = &mut self.0
            && let Some(reply) = reply.take()
        {
            reply.answer(wanted.1.clone().attach(signature(bytes.to_vec(), der)));
        }
    }

    /// Answers with the error that says why there is no answer.
    #[napi]
    pub fn failed(&mut self, error: ErrorParts) {
        match &mut self.0 {
            Asked::Receiver(_, reply) => drop(reply.take().map(|reply| reply.answer(Err(error.into())))),
            Asked::Signature(_, reply) => drop(reply.take().map(|reply| reply.answer(Err(error.into())))),
            Asked::Alert(..) => {}
        }
    }

    /// Ends it without an answer.
    #[napi]
    pub fn abandon(&mut self) {
        match &mut self.0 {
            Asked::Receiver(_, reply) => drop(reply.take()),
            Asked::Signature(_, reply) => drop(reply.take()),
            Asked::Alert(..) => {}
        }
    }
}
