//! An emit that waits for its signature.

use std::{fmt, time::Duration};

use super::{drive::within, sending::Sending, transmitter::keys};
use crate::{
    delivery::Receipt,
    error::{Error, ErrorCode, Result},
    jose::Signature,
    key::{BoxFuture, TransmitterKey},
    set::UnsignedSet,
};

/// An emit that waits for its signature, from [`Emit::begin`](super::Emit::begin): for callers with an external key who
/// cannot be called back, unlike a [`Signer`](crate::Signer).
///
/// It counts as pending. Deliver it with a signature, or say why there is none; dropped, it counts as `abandoned`.
///
/// ```no_run
/// # use ssf_transmitter::{Error, Receiver, Signature, Subject, Transmitter, event::caep};
/// # async fn example(transmitter: Transmitter, receiver: Receiver) -> Result<(), Error> {
/// # let enclave_sign = |_: &[u8]| vec![7; 64];
/// let emit = transmitter.emit(caep::SessionRevoked::new(), Subject::opaque("session-1"), &receiver);
/// let pending = emit.begin()?;
/// let signature = enclave_sign(pending.unsigned().signing_input());
/// let receipt = pending.deliver(Signature::Raw(signature)).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "dropped, it is abandoned"]
pub struct Pending {
    sending: Sending,
    unsigned: UnsignedSet,
    key: TransmitterKey,
}

impl Pending {
    pub(super) fn new(sending: Sending, unsigned: UnsignedSet, key: TransmitterKey) -> Self {
        Self { sending, unsigned, key }
    }

    /// The key that must sign: the active one at the time of [`Emit::begin`](super::Emit::begin).
    pub fn key(&self) -> &TransmitterKey {
        &self.key
    }

    /// The unsigned SET.
    pub fn unsigned(&self) -> &UnsignedSet {
        &self.unsigned
    }

    /// How long the signature may take, and the delivery after it.
    pub fn time_left(&self) -> Duration {
        self.sending.time_left()
    }

    /// Attaches the signature, and delivers the SET in the time that is left.
    pub fn deliver(self, signature: Signature) -> BoxFuture<'static, Result<Receipt>> {
        let Self { sending, unsigned, .. } = self;
        let is_late = sending.time_left().is_zero();
        Box::pin(async move {
            let signed = if is_late { Err(late()) } else { unsigned.attach(signature) };
            sending.deliver(signed).await
        })
    }

    /// Signs with the key, if it is one of this process or has a signer, and delivers the SET: for callers with keys of both
    /// kinds.
    pub fn sign(self) -> BoxFuture<'static, Result<Receipt>> {
        let Self { sending, unsigned, key } = self;
        Box::pin(async move {
            let signed = within(sending.time_left(), keys::sign(&key, unsigned)).await.flatten();
            sending.deliver(signed).await
        })
    }

    /// Ends the emit without a signature, for the reason that `code` names: [`ErrorCode::SignerFailed`], or
    /// [`ErrorCode::DeadlineExceeded`] if the signer took too long.
    pub fn fail(self, code: ErrorCode) {
        self.sending.fail_with(code);
    }
}

fn late() -> Error {
    Error::new(ErrorCode::DeadlineExceeded, "the deadline passed while waiting for a signature")
}

impl fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pending")
            .field("unsigned", &self.unsigned)
            .field("receiver", self.sending.receiver())
            .finish_non_exhaustive()
    }
}
