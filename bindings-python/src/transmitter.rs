//! The transmitter. What needs a runtime and sockets is made once in each process.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use pyo3::{prelude::*, types::PyTuple};
use ssf_bindings::{
    network::NetworkSettings,
    transmitter::{DoctorOptions, TransmitterSettings, delivery},
};
use ssf_transmitter::{
    self as sdk,
    catalogue::Language,
    client::{Check, Diagnosis, Doctor},
    secret::Secret,
};

use crate::{
    arguments::Span,
    batch::{Batch, RequestLimit},
    config::Config,
    emission::{Emission, ReadEvent, ReadSubject},
    errors::Result,
    fork::inside,
    futures::{Mailbox, Task},
    jwks::Jwks,
    key_set::KeySet,
    lint::{Lint, Linter, findings},
    okta::OktaProviders,
    pending::{Examination, Pending},
    policy::{Retry, policy},
    process::PerProcess,
    receiver::Receiver,
    runtime::wait_directly,
    sets::{Receipt, SignedSet, UnsignedSet},
    signer::Signers,
};

/// Who sends.
#[pyclass(frozen, module = "ssf_transmitter._native")]
pub(crate) struct Transmitter {
    settings: TransmitterSettings,
    signers: Arc<Signers>,
    /// For the shared runtime: connections belong to the runtime that opened them.
    core: PerProcess<sdk::Transmitter>,
    /// For calls that do their work themselves.
    direct: PerProcess<sdk::Transmitter>,
    closed: AtomicBool,
}

#[pymethods]
impl Transmitter {
    #[new]
    #[pyo3(signature = (
        issuer, keys, *, deadline, retry, lint, ca_bundles, client_certificate, proxy, source_address, allow_networks, http2
    ))]
    #[allow(clippy::too_many_arguments, reason = "the settings of a transmitter")]
    fn new(
        issuer: String,
        keys: &KeySet,
        deadline: Option<Span>,
        retry: Option<Retry>,
        lint: Option<Lint>,
        ca_bundles: Vec<Vec<u8>>,
        client_certificate: Option<(Vec<u8>, Vec<u8>)>,
        proxy: Option<String>,
        source_address: Option<String>,
        allow_networks: Vec<String>,
        http2: bool,
    ) -> Result<Self> {
        let client_certificate = client_certificate.map(|(chain, key)| (chain, Secret::new(key)));
        let network =
            NetworkSettings { ca_bundles, client_certificate, proxy, source_address, allow_networks, http2 };
        let settings = TransmitterSettings {
            issuer,
            keys: keys.core.clone(),
            policy: policy(deadline, retry),
            lint: lint.map(|lint| lint.0),
            network: network.network(),
        };
        Self::of(settings, keys.signers.clone())
    }

    /// What a file of settings describes. It waits for the commands that the file names.
    #[staticmethod]
    fn from_config(py: Python<'_>, config: &Config) -> Result<Self> {
        let fetched = py.detach(|| ssf_bindings::config::fetch_keys(&config.0))?;
        let keys = inside(|| config.0.keys(fetched))?;
        let settings = py.detach(|| ssf_bindings::config::transmitter(&config.0, keys))?;
        Self::of(settings, Arc::default())
    }

    /// Whether a function of Python may have to sign. If so, `begin` and `examine` tell which.
    #[getter]
    fn has_signers(&self) -> bool {
        self.signers.any()
    }

    fn emit(&self, py: Python<'_>, emission: &Emission) -> Result<Receipt> {
        let emit = emission.once(self.direct()?, None)?;
        Ok(Receipt(wait_directly(py, emit.into_future())??))
    }

    fn emit_async(
        &self,
        emission: &Emission,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        limit: Option<&RequestLimit>,
    ) -> Result<Task> {
        let emit = self.one(emission, limit)?;
        mailbox.spawn(future, emit.into_future(), Receipt)
    }

    fn prepare(&self, emission: &Emission) -> Result<UnsignedSet> {
        Ok(UnsignedSet(emission.once(self.direct()?, None)?.prepare()?))
    }

    /// The first step of an emit that a signer may sign.
    fn begin(&self, py: Python<'_>, emission: &Emission) -> Result<Pending> {
        Ok(self.pending(py, emission.once(self.direct()?, None)?.begin()?))
    }

    /// The same for `deliver_async`.
    fn begin_async(
        &self,
        py: Python<'_>,
        emission: &Emission,
        limit: Option<&RequestLimit>,
    ) -> Result<Pending> {
        Ok(self.pending(py, self.one(emission, limit)?.begin()?))
    }

    /// The same for one of many.
    fn begin_in(&self, py: Python<'_>, batch: &Batch, emission: &Emission) -> Result<Pending> {
        Ok(self.pending(py, emission.by(self.core()?, Some(batch.limit()))?.begin()?))
    }

    fn deliver(
        &self,
        py: Python<'_>,
        set: &SignedSet,
        to: &Receiver,
        deadline: Option<Span>,
        retry: Option<Retry>,
    ) -> Result<Receipt> {
        let deliver = self.direct()?.deliver(&set.0, to.core()?);
        let deliver = delivery(deliver, Some(&policy(deadline, retry)), None);
        Ok(Receipt(wait_directly(py, deliver.into_future())??))
    }

    #[allow(clippy::too_many_arguments, reason = "what a delivery can be given")]
    fn deliver_async(
        &self,
        set: &SignedSet,
        to: &Receiver,
        deadline: Option<Span>,
        retry: Option<Retry>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        limit: Option<&RequestLimit>,
    ) -> Result<Task> {
        let deliver = self.core()?.deliver(&set.0, to.core()?);
        let deliver = delivery(deliver, Some(&policy(deadline, retry)), limit.map(|limit| &limit.0));
        mailbox.spawn(future, deliver.into_future(), Receipt)
    }

    /// Starts one of many, and returns its index in the batch.
    fn emit_in(&self, batch: &Batch, emission: &Emission) -> Result<usize> {
        batch.push(emission.by(self.core()?, Some(batch.limit()))?.into_future())
    }

    fn lint<'py>(
        &self,
        py: Python<'py>,
        event: ReadEvent,
        subject: Option<ReadSubject>,
        to: &Receiver,
    ) -> Result<Bound<'py, PyTuple>> {
        Ok(findings(py, &self.direct()?.linter(to.core()?).read(event.0, subject.map(|subject| subject.0)))?)
    }

    fn linter(&self, to: &Receiver) -> Result<Linter> {
        let (transmitter, to) = (self.direct()?, to.core()?);
        Ok(Linter(inside(|| transmitter.linter(to))))
    }

    fn jwks(&self) -> Result<Jwks> {
        let transmitter = self.direct()?;
        Ok(Jwks(inside(|| transmitter.jwks())?))
    }

    fn doctor(&self, py: Python<'_>, setup: Setup) -> Result<Vec<Checked>> {
        let doctor = setup.by(self, Place::Direct)?;
        Ok(checked(&wait_directly(py, doctor.into_future())?))
    }

    fn doctor_async(&self, setup: Setup, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let doctor = setup.by(self, Place::Shared)?.into_future();
        mailbox.spawn(future, async { Ok(doctor.await) }, |diagnosis| checked(&diagnosis))
    }

    /// All checks but that of the SET, which waits for a signature.
    fn examine(&self, py: Python<'_>, setup: Setup) -> Result<Examination> {
        let doctor = setup.by(self, Place::Direct)?;
        let examination = wait_directly(py, doctor.examine())?;
        Ok(Examination::of(examination, self.signers.clone()))
    }

    fn examine_async(&self, setup: Setup, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let examined = setup.by(self, Place::Shared)?.examine();
        let signers = self.signers.clone();
        mailbox
            .spawn(future, async { Ok(examined.await) }, |examination| Examination::of(examination, signers))
    }

    /// Rejects new work, and waits for pending calls.
    fn close(&self, py: Python<'_>) -> Result<()> {
        wait_directly(py, self.closing())
    }

    fn close_async(&self, mailbox: &Mailbox, future: Py<PyAny>) -> Result<Task> {
        let closing = self.closing();
        mailbox.spawn(
            future,
            async {
                closing.await;
                Ok(())
            },
            |()| (),
        )
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
    fn of(settings: TransmitterSettings, signers: Arc<Signers>) -> Result<Self> {
        let transmitter = Self {
            settings,
            signers,
            core: PerProcess::new(),
            direct: PerProcess::new(),
            closed: AtomicBool::new(false),
        };
        transmitter.direct()?;
        Ok(transmitter)
    }

    /// An emit for asyncio: one of many, which share a limit, or a single one.
    fn one(&self, emission: &Emission, limit: Option<&RequestLimit>) -> Result<sdk::client::Emit> {
        match limit {
            Some(limit) => emission.by(self.core()?, Some(&limit.0)),
            None => emission.once(self.core()?, None),
        }
    }

    fn pending(&self, py: Python<'_>, pending: sdk::client::Pending) -> Pending {
        let signer = self.signers.of(py, pending.key());
        Pending::of(pending, signer)
    }

    fn core(&self) -> Result<&sdk::Transmitter> {
        self.open(&self.core)
    }

    /// For the shared runtime.
    pub(crate) fn shared(&self) -> Result<&sdk::Transmitter> {
        self.core()
    }

    pub(crate) fn signers(&self) -> Arc<Signers> {
        self.signers.clone()
    }

    fn direct(&self) -> Result<&sdk::Transmitter> {
        self.open(&self.direct)
    }

    /// One of both. What is made after, or during, a close is closed too.
    fn open<'a>(&self, slot: &'a PerProcess<sdk::Transmitter>) -> Result<&'a sdk::Transmitter> {
        let core = slot.get(|| self.settings.clone().build())?;
        if self.closed.load(Ordering::SeqCst) {
            drop(core.close());
        }
        Ok(core)
    }

    fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        self.closed.store(true, Ordering::SeqCst);
        let made = [&self.core, &self.direct].into_iter().filter_map(PerProcess::here);
        let closing: Vec<_> = made.map(sdk::Transmitter::close).collect();
        async {
            for one in closing {
                one.await;
            }
        }
    }
}

/// The id of a check, its outcome, what was found, what to do, how long it took.
pub(crate) type Checked = (&'static str, &'static str, String, String, Duration);

/// What a doctor looks at: event, subject, receiver, the URL of the configuration, whether to send, whose log to look into.
#[derive(FromPyObject)]
struct Setup(ReadEvent, Option<ReadSubject>, Py<Receiver>, Option<String>, bool, Option<Py<OktaProviders>>);

/// Where the work is done.
#[derive(Clone, Copy)]
enum Place {
    Shared,
    Direct,
}

impl Setup {
    fn by(self, transmitter: &Transmitter, place: Place) -> Result<Doctor> {
        let Self(event, subject, to, configuration_url, send, confirm) = self;
        let transmitter = match place {
            Place::Shared => transmitter.core()?,
            Place::Direct => transmitter.direct()?,
        };
        let confirm = match (&confirm, place) {
            (None, _) => None,
            (Some(providers), Place::Shared) => Some(providers.get().core()?),
            (Some(providers), Place::Direct) => Some(providers.get().direct()?),
        };
        let doctor = transmitter.doctor_read(event.0, subject.map(|subject| subject.0), to.get().core()?);
        Ok(DoctorOptions { configuration_url, send, confirm }.instruct(doctor))
    }
}

pub(crate) fn checked(diagnosis: &Diagnosis) -> Vec<Checked> {
    let diagnosis = diagnosis.clone().in_language(Language::Python);
    let checks = diagnosis.checks().iter();
    checks
        .map(|check| {
            let Check { id, outcome, message, remedy, duration, .. } = check;
            (*id, outcome.as_str(), message.clone(), remedy.clone(), *duration)
        })
        .collect()
}

/// Counts of one transmitter in this process: `enqueued` is `delivered + failed + in_flight`.
///
/// Each `emit`, each `deliver`, and each emission that `emit_all` takes counts once when it begins and once when it ends,
/// whatever ends it: an answer, an invalid event, lint, a signer that fails, a deadline. A call with a wrong argument, or on a
/// closed transmitter, does not begin. Preparing, signing and linting send nothing and count nothing.
#[pyclass(frozen, get_all, module = "ssf_transmitter")]
#[derive(Default)]
pub(crate) struct Counters {
    /// SETs enqueued.
    enqueued: u64,
    /// SETs that receivers accepted.
    delivered: u64,
    /// SETs that were not delivered, for any reason.
    failed: u64,
    /// Pending SETs, including those that wait for a signature.
    in_flight: u64,
    /// Requests to receivers, repeats included.
    attempts: u64,
    /// Of `failed`, how many by the `code` of each error; `abandoned` are those that were cancelled.
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
