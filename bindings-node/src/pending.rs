//! What waits for a signature that JavaScript makes.

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_bindings::set::signature;
use ssf_transmitter::{self as sdk, client};

use crate::{
    failure::{Failure, Outcome, outcome},
    mailbox::Mailbox,
    records::{ErrorParts, checks},
    sets::receipt,
};

/// An emit that waits for its signature.
#[napi]
pub struct Pending(Option<client::Pending>);

impl Pending {
    pub(crate) fn of(pending: client::Pending) -> Self {
        Self(Some(pending))
    }
}

#[napi]
impl Pending {
    /// The bytes to sign.
    #[napi(getter)]
    pub fn signing_input(&self) -> Option<Uint8Array> {
        self.0.as_ref().map(|pending| pending.unsigned().signing_input().to_vec().into())
    }

    /// In milliseconds.
    #[napi(getter)]
    pub fn time_left(&self) -> f64 {
        self.0.as_ref().map_or(0.0, |pending| pending.time_left().as_secs_f64() * 1000.0)
    }

    /// Delivers the SET with its signature.
    #[napi]
    pub fn deliver(&mut self, mailbox: &Mailbox, number: u32, bytes: Uint8Array, der: bool) -> Outcome<()> {
        let Some(pending) = self.0.take() else {
            return outcome(Err(Failure::internal("this emit has ended")));
        };
        let delivered = pending.deliver(signature(bytes.to_vec(), der));
        mailbox.spawn(number, async move { Ok(receipt(&delivered.await?)) })
    }

    /// Ends it without a signature; without a code it was abandoned.
    #[napi]
    pub fn fail(&mut self, code: Option<String>) {
        let code = code.and_then(|code| sdk::ErrorCode::by_name(&code));
        match (self.0.take(), code) {
            (Some(pending), Some(code)) => pending.fail(code),
            (pending, _) => drop(pending),
        }
    }
}

/// What a doctor found so far.
#[napi]
pub struct Examination(Option<client::Examination>);

#[napi]
impl Examination {
    /// The bytes to sign, if a SET is to be sent.
    #[napi(getter)]
    pub fn signing_input(&self) -> Option<Uint8Array> {
        let pending = self.0.as_ref().and_then(client::Examination::pending);
        pending.map(|pending| pending.unsigned().signing_input().to_vec().into())
    }

    /// In milliseconds.
    #[napi(getter)]
    pub fn time_left(&self) -> f64 {
        let pending = self.0.as_ref().and_then(client::Examination::pending);
        pending.map_or(0.0, |pending| pending.time_left().as_secs_f64() * 1000.0)
    }

    /// Delivers the SET, if there is one, with its signature.
    #[napi]
    pub fn finish(&mut self, mailbox: &Mailbox, number: u32, bytes: Uint8Array, der: bool) -> Outcome<()> {
        self.end(mailbox, number, Ok(signature(bytes.to_vec(), der)))
    }

    /// Says why there is no signature.
    #[napi]
    pub fn fail(&mut self, mailbox: &Mailbox, number: u32, error: ErrorParts) -> Outcome<()> {
        self.end(mailbox, number, Err(error.into()))
    }

    /// Ends it without a result.
    #[napi]
    pub fn abandon(&mut self) {
        self.0 = None;
    }
}

impl Examination {
    pub(crate) fn of(examination: client::Examination) -> Self {
        Self(Some(examination))
    }

    fn end(&mut self, mailbox: &Mailbox, number: u32, signature: sdk::Result<sdk::Signature>) -> Outcome<()> {
        let Some(examination) = self.0.take() else {
            return outcome(Err(Failure::internal("this doctor run has ended")));
        };
        let diagnosed = examination.finish(signature);
        mailbox.spawn(number, async move { Ok(checks(&diagnosed.await)) })
    }
}
