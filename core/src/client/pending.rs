//! An emit that waits for its signature.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{Receiver, Transmitter, counters::Entry, drive::Circumstances};
use crate::{
    delivery::{Bounds, Receipt},
    error::{Error, ErrorCode, Result},
    jose::Signature,
    key::BoxFuture,
    set::UnsignedSet,
    time::Timestamp,
};

/// An emit that waits for its signature, from [`Emit::begin`](super::Emit::begin): for callers that hold the key elsewhere and
/// cannot be called back, as a [`Signer`](crate::Signer) is.
///
/// It is counted as under way. Deliver it with a signature, or say why there is none; dropped, it counts as `abandoned`.
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
    pub(super) transmitter: Transmitter,
    pub(super) entry: Entry,
    pub(super) unsigned: UnsignedSet,
    pub(super) receiver: Receiver,
    pub(super) bounds: Bounds,
    pub(super) ends: Timestamp,
    pub(super) requests: Option<Arc<Semaphore>>,
}

impl Pending {
    /// The SET, complete but for its signature.
    pub fn unsigned(&self) -> &UnsignedSet {
        &self.unsigned
    }

    /// How long the signature may take, and the delivery after it.
    pub fn time_left(&self) -> Duration {
        self.ends.since(self.transmitter.steady().now())
    }

    /// Attaches the signature, and delivers the SET in the time that is left.
    pub fn deliver(self, signature: Signature) -> BoxFuture<'static, Result<Receipt>> {
        let left = self.time_left();
        let Self { transmitter, entry, unsigned, receiver, mut bounds, requests, .. } = self;
        Box::pin(async move {
            let signed = if left.is_zero() { Err(late()) } else { unsigned.attach(signature) };
            match signed {
                Ok(set) => {
                    bounds.deadline = left;
                    transmitter
                        .run(
                            entry,
                            &set,
                            &receiver,
                            &bounds,
                            Circumstances { requests, ..Circumstances::default() },
                        )
                        .await
                }
                Err(error) => {
                    entry.failed(error.code());
                    Err(error)
                }
            }
        })
    }

    /// Ends the emit without a signature, for the reason that `code` names: [`ErrorCode::SignerFailed`], or
    /// [`ErrorCode::DeadlineExceeded`] where the signer took too long.
    pub fn fail(self, code: ErrorCode) {
        self.entry.failed(code);
    }
}

fn late() -> Error {
    Error::new(ErrorCode::DeadlineExceeded, "the deadline passed in a wait for a signature")
}

impl fmt::Debug for Pending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Pending")
            .field("unsigned", &self.unsigned)
            .field("receiver", &self.receiver)
            .finish_non_exhaustive()
    }
}
