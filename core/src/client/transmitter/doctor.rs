//! What checks a transmitter and its receivers.

use super::Transmitter;
use crate::{
    client::{Doctor, Receiver, SharedDoctor},
    error::Result,
    event::Event,
    subject::Subject,
};

impl Transmitter {
    /// Checks this transmitter and a receiver end to end, in less than ten seconds: the documents that are published, the
    /// key in them, TLS, clock, token, and a SET with this event and subject. Nothing is sent to the receiver unless
    /// [`Doctor::send`] asks for it.
    ///
    /// ```no_run
    /// # use ssf_transmitter::{Receiver, Subject, Transmitter, event::caep};
    /// # async fn example(transmitter: Transmitter, receiver: Receiver) {
    /// let event = caep::SessionRevoked::new().with_reason_admin("en", "A test");
    /// let diagnosis = transmitter.doctor(event, Subject::email("ada@example.com"), &receiver).await;
    /// for check in diagnosis.checks() {
    ///     println!("{:8} {}: {} {}", check.outcome.as_str(), check.id, check.message, check.remedy);
    /// }
    /// # }
    /// ```
    pub fn doctor(
        &self,
        event: impl Into<Event>,
        subject: impl Into<Option<Subject>>,
        to: &Receiver,
    ) -> Doctor {
        self.doctor_read(Ok(event.into()), subject.into().map(Ok), to)
    }

    /// The same for an event and a subject that were read from elsewhere: why one of them cannot be read is then what its
    /// check `lint` says.
    pub fn doctor_read(
        &self,
        event: Result<Event>,
        subject: Option<Result<Subject>>,
        to: &Receiver,
    ) -> Doctor {
        Doctor::new(self.clone(), to.clone(), event, subject)
    }

    /// Checks once what these receivers share: key, documents, clock, trusted authorities. Check each of them with
    /// [`Doctor::receiver_only`] then.
    ///
    /// ```no_run
    /// # use ssf_transmitter::{Subject, config::Config, event::caep};
    /// # async fn example(config: Config) -> ssf_transmitter::Result<()> {
    /// let transmitter = config.transmitter()?.build()?;
    /// let receivers = config.receivers()?;
    /// let shared = transmitter.doctor_shared(receivers.values()).await;
    /// println!("{}", if shared.is_healthy() { "healthy" } else { "not healthy" });
    /// for (name, receiver) in &receivers {
    ///     let event = caep::SessionRevoked::new().with_reason_admin("en", "A test");
    ///     let doctor = transmitter.doctor(event, Subject::email("ada@example.com"), receiver);
    ///     println!("{name}: {:?}", doctor.receiver_only().await);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn doctor_shared<'a>(&self, receivers: impl IntoIterator<Item = &'a Receiver>) -> SharedDoctor {
        SharedDoctor::new(self.clone(), receivers)
    }
}
