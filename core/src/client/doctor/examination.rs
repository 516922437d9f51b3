//! An examination that waits for a signature.

use std::fmt;

use super::{Check, Diagnosis, okta_log, sent, timed};
use crate::{
    client::{OktaProviders, Pending, counters::Visit},
    delivery::Receipt,
    error::Error,
    jose::Signature,
    key::BoxFuture,
    lint::Linter,
};

/// What a doctor found, and the SET that it is to send, for a caller that signs by itself: from [`Doctor::examine`](super::Doctor::examine).
#[must_use = "it may wait for a signature"]
pub struct Examination {
    pub(super) linter: Linter,
    pub(super) checks: Vec<Check>,
    pub(super) pending: Option<Pending>,
    pub(super) confirm: Option<OktaProviders>,
    pub(super) _visit: Option<Visit>,
}

impl Examination {
    /// The SET that waits for a signature; `None` if none is to be sent.
    pub fn pending(&self) -> Option<&Pending> {
        self.pending.as_ref()
    }

    /// Ends the examination: delivers the SET with this signature, or says why there is none. If no SET waits, the
    /// signature is not looked at.
    pub fn finish(self, signature: Result<Signature, Error>) -> BoxFuture<'static, Diagnosis> {
        self.end(|pending| match signature {
            Ok(signature) => pending.deliver(signature),
            Err(error) => {
                pending.fail(error.code());
                Box::pin(std::future::ready(Err(error)))
            }
        })
    }

    /// Ends the examination: signs the SET with its key, as [`Pending::sign`] does, and delivers it.
    pub fn sign(self) -> BoxFuture<'static, Diagnosis> {
        self.end(Pending::sign)
    }

    fn end(
        self,
        deliver: impl FnOnce(Pending) -> BoxFuture<'static, Result<Receipt, Error>> + Send + 'static,
    ) -> BoxFuture<'static, Diagnosis> {
        Box::pin(async move {
            let Self { linter, mut checks, pending, confirm, _visit } = self;
            if let Some(pending) = pending {
                let (result, duration) = timed(deliver(pending)).await;
                checks.push(sent(&linter, &result).took(duration));
                checks.extend(okta_log::confirmed(confirm.as_ref(), &result).await);
            }
            Diagnosis(checks)
        })
    }
}

impl fmt::Debug for Examination {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Examination")
            .field("checks", &self.checks)
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}
