//! One round of checks: what all receivers share, then every receiver, several of them at once.

use std::sync::Arc;

use ssf_transmitter::{
    Error, Event, Receiver, Subject, Transmitter,
    client::{Check, Doctor},
    config::Config,
};
use tokio::{sync::Semaphore, task::JoinHandle};

use super::{
    super::{Class, Failure, Result, addressee::Addressee, event::example, outbox::place},
    Arguments, Said,
    section::Section,
};

/// What the mistakes of the file of settings are called.
pub(super) const SETTINGS: &str = "settings";
/// How many receivers are checked at once.
const AT_ONCE: usize = 8;

/// Does all checks. Each section is shown as soon as it and those before it are complete.
pub(super) async fn run(
    arguments: &Arguments,
    said: Option<&Said>,
    show: &mut impl FnMut(&Section) -> Result,
) -> Result<Vec<Section>> {
    let mut sections = Sections { done: Vec::new(), show };
    let path = arguments.config.find()?;
    let mut checks = Vec::new();
    let mut config = None;
    if let Some(path) = &path {
        let diagnosis = Config::diagnose(path);
        checks.extend(diagnosis.checks().iter().cloned());
        if !diagnosis.is_healthy() {
            sections.add(Section::new(None, checks))?;
            return Ok(sections.done);
        }
        config = Some(Config::read(path)?);
    }
    let config = config.as_ref();
    let receivers = arguments.receivers(config)?;
    let transmitter = match arguments.signal.transmitter(&arguments.route, config) {
        Ok(transmitter) => transmitter,
        Err(failure) => {
            sections.add(Section::new(None, [in_file(failure, config)?]))?;
            return Ok(sections.done);
        }
    };
    let slots = Arc::new(Semaphore::new(AT_ONCE));
    let healthy = receivers.iter().filter_map(|(_, receiver)| receiver.as_ref().ok());
    let mut shared = transmitter.doctor_shared(healthy);
    if let Some(url) = &arguments.configuration {
        shared = shared.configuration_url(url);
    }
    let mut running = Vec::with_capacity(receivers.len());
    for (name, receiver) in receivers {
        let doctor = match receiver {
            Ok(receiver) => Ok(arguments.doctor(&transmitter, &receiver, said, config)?),
            Err(check) => Err(check),
        };
        running.push(start(name, doctor, slots.clone()));
    }
    let (shared, outbox) = tokio::join!(shared.into_future(), outbox(config));
    checks.extend(outbox);
    checks.extend(shared.checks().iter().cloned());
    sections.add(Section::new(None, checks))?;
    for section in running {
        let section = section.await.map_err(|error| Failure::new(Class::Other, error.to_string()))?;
        sections.add(section)?;
    }
    Ok(sections.done)
}

struct Sections<'a, F> {
    done: Vec<Section>,
    show: &'a mut F,
}

impl<F: FnMut(&Section) -> Result> Sections<'_, F> {
    fn add(&mut self, section: Section) -> Result {
        (self.show)(&section)?;
        self.done.push(section);
        Ok(())
    }
}

fn start(name: Option<String>, doctor: Result<Doctor, Check>, slots: Arc<Semaphore>) -> JoinHandle<Section> {
    tokio::spawn(async move {
        match doctor {
            Ok(doctor) => {
                // It is never closed.
                let _slot = slots.acquire().await;
                Section::new(name, doctor.await.checks().iter().cloned())
            }
            Err(check) => Section::new(name, [check]),
        }
    })
}

/// A receiver with its name in the file, or why the file does not describe it.
type Named = (Option<String>, Result<Receiver, Check>);

impl Arguments {
    /// The receiver that is named, or all of the file.
    fn receivers(&self, config: Option<&Config>) -> Result<Vec<Named>> {
        let (Some(config), false) = (config, self.to.to.is_none() && self.names_receiver()) else {
            return Ok(vec![(None, Ok(self.route.receiver(&self.to, None, config)?))]);
        };
        let named = |name: &str| -> Result<Named> {
            let to = Addressee { to: Some(name.to_owned()), ..self.to.clone() };
            let receiver = match self.route.receiver(&to, None, Some(config)) {
                Ok(receiver) => Ok(receiver),
                Err(failure) => Err(in_file(failure, Some(config))?),
            };
            Ok((Some(name.to_owned()), receiver))
        };
        let Some(name) = &self.to.to else { return config.receiver_names().map(named).collect() };
        if !config.receiver_names().any(|known| known == name) {
            // A mistake of the command line, which this says.
            config.receiver_builder(name).map(drop)?;
        }
        Ok(vec![named(name)?])
    }

    /// What checks a receiver.
    fn doctor(
        &self,
        transmitter: &Transmitter,
        receiver: &Receiver,
        said: Option<&Said>,
        config: Option<&Config>,
    ) -> Result<Doctor> {
        let (event, subject): (Result<Event, Error>, Option<Subject>) = match said {
            Some((event, subject)) => (Ok(event.clone().into()), subject.clone()),
            None => match example::of_receiver(receiver.dialect()) {
                Ok(example) => (Ok(example.event.into()), example.subject),
                Err(error) => (Err(error), None),
            },
        };
        let mut doctor = transmitter.doctor_read(event, subject.map(Ok), receiver).receiver_only();
        let providers = self.confirm.providers(&self.to, &self.route.network, config)?;
        if let Some(providers) = &providers {
            doctor = doctor.confirm(providers);
        }
        // A SET that is not sent is not looked for.
        Ok(if self.send || providers.is_some() { doctor.send() } else { doctor })
    }
}

/// The check of the outbox, if the file names one.
async fn outbox(config: Option<&Config>) -> Option<Check> {
    match config?.outbox() {
        Ok(place) => {
            let place = place?;
            Some(Box::pin(place.diagnose(place::open_at(place.clone()))).await)
        }
        Err(error) => Some(Check::of_error("outbox", &error)),
    }
}

/// What is wrong in the file is a check that failed; what is wrong on the command line is an error.
fn in_file(failure: Failure, config: Option<&Config>) -> Result<Check> {
    match failure.error() {
        Some(error) if config.is_some() => Ok(Check::of_error(SETTINGS, error)),
        _ => Err(failure),
    }
}
