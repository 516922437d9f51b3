//! The transmitter. What needs a runtime and sockets is made once in each process.

use std::{collections::BTreeMap, time::Duration};

use pyo3::{
    Borrowed,
    exceptions::{PyAttributeError, PyTypeError},
    prelude::*,
    types::PyTuple,
};
use ssf_transmitter::{
    self as sdk,
    client::{Deliver, Diagnosis, Doctor},
    delivery::RetryPolicy,
    key::{BoxFuture, Signer, SigningHeader},
    secret::Secret,
};

use crate::{
    arguments::{Span, expected},
    batch::{Batch, RequestLimit},
    emission::{AnyEvent, AnySubject, Emission},
    errors::Result,
    futures::{Mailbox, Task},
    key::KeySet,
    lint::{Lint, Linter, findings},
    process::PerProcess,
    receiver::Receiver,
    runtime::{shared, wait_directly},
    sets::{Receipt, SignedSet, UnsignedSet},
};

/// Who sends.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Transmitter {
    settings: Settings,
    /// For the shared runtime: connections belong to the runtime that opened them.
    core: PerProcess<sdk::Transmitter>,
    /// For calls that do their work themselves.
    direct: PerProcess<sdk::Transmitter>,
}

/// What a transmitter is made from, in each process again.
struct Settings {
    issuer: String,
    keys: Keys,
    policy: Policy,
    lint: Option<Lint>,
    ca_bundles: Vec<Vec<u8>>,
    client_certificate: Option<(Vec<u8>, Secret<Vec<u8>>)>,
    proxy: Option<String>,
    http2: bool,
    allow_networks: Vec<String>,
}

enum Keys {
    Own(sdk::KeySet),
    External(SigningHeader),
}

#[pymethods]
impl Transmitter {
    #[new]
    #[pyo3(signature = (
        issuer, *, keys, algorithm, kid, deadline, retry, lint, ca_bundles, client_certificate, proxy, http2,
        allow_networks
    ))]
    #[allow(clippy::too_many_arguments, reason = "the settings of a transmitter")]
    fn new(
        issuer: String,
        keys: Option<&KeySet>,
        algorithm: Option<&str>,
        kid: Option<String>,
        deadline: Option<Span>,
        retry: Option<Policy>,
        lint: Option<Lint>,
        ca_bundles: Vec<Vec<u8>>,
        client_certificate: Option<(Vec<u8>, Vec<u8>)>,
        proxy: Option<String>,
        http2: bool,
        allow_networks: Vec<String>,
    ) -> Result<Self> {
        let keys = match (keys, algorithm) {
            (Some(keys), None) => Keys::Own(keys.0.clone()),
            (None, Some(algorithm)) => Keys::External(SigningHeader { algorithm: algorithm.parse()?, kid }),
            _ => return Err(PyTypeError::new_err("give either a key or a signer with its algorithm").into()),
        };
        let settings = Settings {
            issuer,
            keys,
            policy: retry.unwrap_or_default().within(deadline),
            lint,
            ca_bundles,
            client_certificate: client_certificate.map(|(chain, key)| (chain, Secret::new(key))),
            proxy,
            http2,
            allow_networks,
        };
        let transmitter = Self { settings, core: PerProcess::new(), direct: PerProcess::new() };
        transmitter.direct()?;
        Ok(transmitter)
    }

    fn emit(&self, py: Python<'_>, emission: &Emission) -> Result<Receipt> {
        let emit = emission.by(self.direct()?, &self.settings.policy, None)?;
        Ok(Receipt(wait_directly(py, emit.into_future())??))
    }

    fn emit_async(
        &self,
        emission: &Emission,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        limit: Option<&RequestLimit>,
    ) -> Result<Task> {
        let emit = emission.by(self.core()?, &self.settings.policy, limit)?;
        mailbox.spawn(future, emit.into_future(), Receipt)
    }

    fn prepare(&self, emission: &Emission) -> Result<UnsignedSet> {
        Ok(UnsignedSet(emission.by(self.direct()?, &self.settings.policy, None)?.prepare()?))
    }

    fn deliver(
        &self,
        py: Python<'_>,
        set: &SignedSet,
        to: &Receiver,
        deadline: Option<Span>,
        retry: Option<Policy>,
    ) -> Result<Receipt> {
        let policy = retry.unwrap_or_default().within(deadline);
        let deliver = self.delivery(self.direct()?, set, to, &policy, None)?;
        Ok(Receipt(wait_directly(py, deliver.into_future())??))
    }

    #[allow(clippy::too_many_arguments, reason = "what a delivery can be given")]
    fn deliver_async(
        &self,
        set: &SignedSet,
        to: &Receiver,
        deadline: Option<Span>,
        retry: Option<Policy>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        limit: Option<&RequestLimit>,
    ) -> Result<Task> {
        let deliver =
            self.delivery(self.core()?, set, to, &retry.unwrap_or_default().within(deadline), limit)?;
        mailbox.spawn(future, deliver.into_future(), Receipt)
    }

    /// Starts one of many.
    fn emit_in(&self, batch: &Batch, index: usize, emission: &Emission) -> Result<()> {
        let emit = emission.by(self.core()?, &self.settings.policy, Some(batch.limit()))?;
        batch.spawn(shared()?, index, emit.into_future());
        Ok(())
    }

    /// Starts one of many, signed already.
    fn deliver_in(
        &self,
        batch: &Batch,
        index: usize,
        set: &SignedSet,
        to: &Receiver,
        deadline: Option<Span>,
        retry: Option<Policy>,
    ) -> Result<()> {
        let policy = retry.unwrap_or_default().within(deadline);
        let deliver = self.delivery(self.core()?, set, to, &policy, Some(batch.limit()))?;
        batch.spawn(shared()?, index, deliver.into_future());
        Ok(())
    }

    /// How many seconds an operation may take, if this is said of it.
    fn deadline(&self, deadline: Option<Span>) -> f64 {
        let policy = Policy::default().within(deadline).over(&self.settings.policy);
        policy
            .or_else(|| self.settings.policy.over(&Policy::default()))
            .unwrap_or_default()
            .deadline
            .as_secs_f64()
    }

    fn lint<'py>(
        &self,
        py: Python<'py>,
        event: AnyEvent,
        subject: AnySubject,
        to: &Receiver,
    ) -> Result<Bound<'py, PyTuple>> {
        Ok(findings(py, &self.direct()?.lint(event.0, subject.0, to.core()?))?)
    }

    fn linter(&self, to: &Receiver) -> Result<Linter> {
        Ok(Linter(self.direct()?.linter(to.core()?)))
    }

    fn doctor(&self, py: Python<'_>, examination: Examination) -> Result<Vec<Checked>> {
        let doctor = examination.by(self.direct()?)?;
        Ok(checked(&wait_directly(py, doctor.into_future())?))
    }

    fn doctor_async(&self, examination: Examination, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let doctor = examination.by(self.core()?)?;
        mailbox.spawn(future, async { Ok(doctor.await) }, |diagnosis| checked(&diagnosis))
    }

    fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        [&self.core, &self.direct]
            .into_iter()
            .filter_map(PerProcess::here)
            .for_each(|core| sum.add(core.counters()));
        sum
    }
}

impl Transmitter {
    fn core(&self) -> Result<&sdk::Transmitter> {
        Ok(self.core.get(|| self.settings.build())?)
    }

    fn direct(&self) -> Result<&sdk::Transmitter> {
        Ok(self.direct.get(|| self.settings.build())?)
    }

    fn delivery(
        &self,
        transmitter: &sdk::Transmitter,
        set: &SignedSet,
        to: &Receiver,
        policy: &Policy,
        limit: Option<&RequestLimit>,
    ) -> Result<Deliver> {
        let mut deliver = transmitter.deliver(&set.0, to.core()?);
        if let Some(limit) = limit {
            deliver = deliver.limited_by(&limit.0);
        }
        Ok(match policy.over(&self.settings.policy) {
            Some(policy) => deliver.retry(policy),
            None => deliver,
        })
    }
}

/// The id of a check, its outcome, what was found, what to do.
type Checked = (&'static str, &'static str, String, String);

/// What a doctor looks at: event, subject, receiver, the URL of the configuration, whether to send, and what.
#[derive(FromPyObject)]
struct Examination(AnyEvent, AnySubject, Py<Receiver>, Option<String>, bool, Option<Py<SignedSet>>);

impl Examination {
    fn by(self, transmitter: &sdk::Transmitter) -> Result<Doctor> {
        let Self(event, subject, to, configuration_url, send, signed) = self;
        let mut doctor = transmitter.doctor(event.0, subject.0, to.get().core()?);
        if let Some(url) = configuration_url {
            doctor = doctor.configuration_url(url);
        }
        Ok(match signed {
            Some(set) => doctor.send_signed(set.get().0.clone()),
            None if send => doctor.send(),
            None => doctor,
        })
    }
}

fn checked(diagnosis: &Diagnosis) -> Vec<Checked> {
    let checks = diagnosis.checks().iter();
    checks
        .map(|check| (check.id, check.outcome.as_str(), check.message.clone(), check.remedy.clone()))
        .collect()
}

impl Settings {
    fn build(&self) -> sdk::error::Result<sdk::Transmitter> {
        let issuer = self.issuer.as_str();
        let mut builder = match &self.keys {
            Keys::Own(keys) => sdk::Transmitter::builder(issuer, keys.clone()),
            Keys::External(header) => {
                sdk::Transmitter::builder_with_signer(issuer, Elsewhere(header.clone()))
            }
        };
        if let Some(policy) = self.policy.over(&Policy::default()) {
            builder = builder.retry(policy);
        }
        if let Some(lint) = &self.lint {
            builder = builder.lint(lint.0.clone());
        }
        for bundle in &self.ca_bundles {
            builder = builder.ca_bundle(bundle.as_slice());
        }
        if let Some((chain, key)) = &self.client_certificate {
            builder = builder.client_certificate(chain.as_slice(), key.expose().as_slice());
        }
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy);
        }
        if !self.http2 {
            builder = builder.http1_only();
        }
        for network in &self.allow_networks {
            builder = builder.allow_network(network);
        }
        builder.build()
    }
}

/// A signer that Python calls between `prepare` and `deliver`; the core is never to call it.
struct Elsewhere(SigningHeader);

impl Signer for Elsewhere {
    fn header(&self) -> SigningHeader {
        self.0.clone()
    }

    fn sign<'a>(
        &'a self,
        _: &'a [u8],
    ) -> BoxFuture<'a, std::result::Result<sdk::Signature, Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(std::future::ready(Err("the signer is called from Python".into())))
    }
}

/// How often and how long a delivery is tried: what was said of it.
#[derive(Clone, Default)]
pub(crate) struct Policy {
    retry: Option<Retry>,
    deadline: Option<Duration>,
}

/// The members of `ssf_transmitter.RetryPolicy`.
#[derive(Clone, FromPyObject)]
struct Retry {
    max_attempts: Option<u32>,
    attempt_timeout: Option<Span>,
    base: Option<Span>,
    max_backoff: Option<Span>,
    max_retry_after: Option<Span>,
}

impl<'py> FromPyObject<'_, 'py> for Policy {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let retry = given.extract().map_err(|error: PyErr| {
            let other = error.is_instance_of::<PyAttributeError>(given.py());
            if other { expected("a RetryPolicy", given) } else { error }
        })?;
        Ok(Self { retry: Some(retry), deadline: None })
    }
}

impl Policy {
    pub(crate) fn within(mut self, deadline: Option<Span>) -> Self {
        self.deadline = deadline.map(|deadline| deadline.0);
        self
    }

    /// This policy, and the default where this one says nothing; `None` if it says nothing at all.
    pub(crate) fn over(&self, default: &Self) -> Option<RetryPolicy> {
        if self.retry.is_none() && self.deadline.is_none() {
            return None;
        }
        let mut policy = RetryPolicy::default();
        if let Some(retry) = self.retry.as_ref().or(default.retry.as_ref()) {
            let or = |span: Option<Span>, default| span.map_or(default, |span| span.0);
            policy = RetryPolicy {
                max_attempts: retry.max_attempts.unwrap_or(policy.max_attempts),
                attempt_timeout: or(retry.attempt_timeout, policy.attempt_timeout),
                base: or(retry.base, policy.base),
                max_backoff: or(retry.max_backoff, policy.max_backoff),
                max_retry_after: or(retry.max_retry_after, policy.max_retry_after),
                ..policy
            };
        }
        if let Some(deadline) = self.deadline.or(default.deadline) {
            policy.deadline = deadline;
        }
        Some(policy)
    }
}

/// Counts of one transmitter in this process: `enqueued` is `delivered + failed + in_flight`.
#[pyclass(frozen, get_all, module = "ssf_transmitter")]
#[derive(Default)]
pub(crate) struct Counters {
    /// SETs that were to be sent.
    enqueued: u64,
    /// SETs that receivers have taken.
    delivered: u64,
    /// SETs that were not delivered, for whatever reason.
    failed: u64,
    /// SETs under way.
    in_flight: u64,
    /// Requests to receivers, repeats included.
    attempts: u64,
    /// Of `failed`, how many by each code; `abandoned` are those that were cancelled.
    failures: BTreeMap<&'static str, u64>,
}

impl Counters {
    fn add(&mut self, more: sdk::client::Counters) {
        self.enqueued += more.enqueued;
        self.delivered += more.delivered;
        self.failed += more.failed;
        self.in_flight += more.in_flight;
        self.attempts += more.attempts;
        for (code, count) in more.failures {
            *self.failures.entry(code).or_default() += count;
        }
    }
}

#[pymethods]
impl Counters {
    fn __repr__(&self) -> String {
        format!(
            "<Counters enqueued={} delivered={} failed={} in_flight={}>",
            self.enqueued, self.delivered, self.failed, self.in_flight
        )
    }
}
