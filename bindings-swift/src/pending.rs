//! What waits for a signature that Swift makes.

use std::sync::{Arc, Mutex, PoisonError};

use ssf_bindings::set;
use ssf_transmitter::{self as sdk, client};

use crate::{
    cancellation::Cancellation,
    failure::{Failure, Result},
    records::{Check, ErrorParts, checks},
    sets::Receipt,
};

/// An emit that waits for its signature.
#[derive(uniffi::Object)]
pub struct Pending(Mutex<Option<client::Pending>>);

#[uniffi::export]
impl Pending {
    /// The signature that it waits for; `None` for a key of this process, and after its end.
    pub fn request(&self) -> Option<SigningRequest> {
        let pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.as_ref().and_then(SigningRequest::of)
    }

    /// Signs with the key of this process, and delivers.
    pub async fn sign(&self, cancellation: Arc<Cancellation>) -> Result<Receipt> {
        let delivered = take(&self.0)?.sign();
        cancellation.or(async { Ok(delivered.await?.into()) }).await
    }

    /// Delivers the SET with its signature.
    pub async fn deliver(
        &self,
        signature: Vec<u8>,
        der: bool,
        cancellation: Arc<Cancellation>,
    ) -> Result<Receipt> {
        let delivered = take(&self.0)?.deliver(set::signature(signature, der));
        cancellation.or(async { Ok(delivered.await?.into()) }).await
    }

    /// Ends it without a signature; without a code it was abandoned. What has ended stays as it is.
    pub fn fail(&self, code: Option<String>) {
        let code = code.and_then(|code| sdk::ErrorCode::by_name(&code));
        match (take(&self.0), code) {
            (Ok(pending), Some(code)) => pending.fail(code),
            (pending, _) => drop(pending),
        }
    }
}

impl Pending {
    pub(crate) fn of(pending: client::Pending) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(pending))))
    }
}

/// What a doctor found so far.
#[derive(uniffi::Object)]
pub struct Examination(Mutex<Option<client::Examination>>);

/// A signature that is waited for.
#[derive(uniffi::Record)]
pub struct SigningRequest {
    /// Of the key; empty if it has none.
    pub kid: String,
    pub signing_input: Vec<u8>,
    /// In seconds.
    pub time_left: f64,
}

impl SigningRequest {
    fn of(pending: &client::Pending) -> Option<Self> {
        let key = pending.key();
        key.local().is_none().then(|| Self {
            kid: key.kid().unwrap_or_default().to_owned(),
            signing_input: pending.unsigned().signing_input().to_vec(),
            time_left: pending.time_left().as_secs_f64(),
        })
    }
}

#[uniffi::export]
impl Examination {
    /// The signature that it waits for; `None` if Swift need not sign.
    pub fn request(&self) -> Option<SigningRequest> {
        let examination = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        SigningRequest::of(examination.as_ref()?.pending()?)
    }

    /// The checks. If a SET waits, the key of this process signs it.
    pub async fn sign(&self, cancellation: Arc<Cancellation>) -> Result<Vec<Check>> {
        let finished = take(&self.0)?.sign();
        cancellation.or(async { Ok(checks(&finished.await)) }).await
    }

    /// The checks, with that of the SET by its signature, if it waits for one.
    pub async fn finish(
        &self,
        signature: Vec<u8>,
        der: bool,
        cancellation: Arc<Cancellation>,
    ) -> Result<Vec<Check>> {
        let finished = take(&self.0)?.finish(Ok(set::signature(signature, der)));
        cancellation.or(async { Ok(checks(&finished.await)) }).await
    }

    /// The checks, with that of the SET by the error that tells why there is no signature.
    pub async fn fail(&self, error: ErrorParts, cancellation: Arc<Cancellation>) -> Result<Vec<Check>> {
        let finished = take(&self.0)?.finish(Err(error.into()));
        cancellation.or(async { Ok(checks(&finished.await)) }).await
    }
}

impl Examination {
    pub(crate) fn of(examination: client::Examination) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(examination))))
    }
}

fn take<T>(slot: &Mutex<Option<T>>) -> Result<T> {
    let taken = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    taken.ok_or_else(|| Failure::internal("it has ended already"))
}
