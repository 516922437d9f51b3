//! What waits for a signature that JavaScript makes.

use std::time::Duration;

use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;
use ssf_bindings::set::signature;
use ssf_transmitter::{self as sdk, client, key::BoxFuture};

use crate::{
    failure::{Failure, Outcome, outcome},
    mailbox::Mailbox,
    records::{ErrorParts, checks},
    sets::receipt,
    signer::external,
};

/// A signature that is waited for.
#[napi(object, object_from_js = false)]
pub struct Request {
    /// Of the key; empty if it has none.
    pub kid: String,
    pub signing_input: Uint8Array,
    pub digest: Option<Uint8Array>,
    /// In milliseconds.
    pub time_left: f64,
}

impl Request {
    pub(crate) fn new(kid: &str, unsigned: &sdk::UnsignedSet, time_left: Duration) -> Self {
        Self {
            kid: kid.to_owned(),
            signing_input: unsigned.signing_input().to_vec().into(),
            digest: unsigned.digest().map(Into::into),
            time_left: time_left.as_secs_f64() * 1000.0,
        }
    }

    fn of(pending: &client::Pending) -> Option<Self> {
        let kid = external(pending.key())?;
        Some(Self::new(&kid, pending.unsigned(), pending.time_left()))
    }
}

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
    /// The signature that it waits for; `None` for a key of this process.
    #[napi]
    pub fn request(&self) -> Option<Request> {
        self.0.as_ref().and_then(Request::of)
    }

    /// Signs with the key of this process, and delivers.
    #[napi]
    pub fn sign(&mut self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        let Some(pending) = self.0.take() else {
            return outcome(Err(Failure::internal("this emit has ended")));
        };
        let delivered = pending.sign();
        mailbox.spawn(number, async move { Ok(receipt(&delivered.await?)) })
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
    /// The signature that it waits for; `None` if JavaScript need not sign.
    #[napi]
    pub fn request(&self) -> Option<Request> {
        self.0.as_ref().and_then(client::Examination::pending).and_then(Request::of)
    }

    /// Signs the SET with a key of this process, if there is one, and delivers it.
    #[napi]
    pub fn sign(&mut self, mailbox: &Mailbox, number: u32) -> Outcome<()> {
        self.end(mailbox, number, client::Examination::sign)
    }

    /// Delivers the SET, if there is one, with its signature.
    #[napi]
    pub fn finish(&mut self, mailbox: &Mailbox, number: u32, bytes: Uint8Array, der: bool) -> Outcome<()> {
        let signature = signature(bytes.to_vec(), der);
        self.end(mailbox, number, |examination| examination.finish(Ok(signature)))
    }

    /// Says why there is no signature.
    #[napi]
    pub fn fail(&mut self, mailbox: &Mailbox, number: u32, error: ErrorParts) -> Outcome<()> {
        self.end(mailbox, number, |examination| examination.finish(Err(error.into())))
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

    fn end(
        &mut self,
        mailbox: &Mailbox,
        number: u32,
        end: impl FnOnce(client::Examination) -> BoxFuture<'static, client::Diagnosis>,
    ) -> Outcome<()> {
        let Some(examination) = self.0.take() else {
            return outcome(Err(Failure::internal("this doctor run has ended")));
        };
        let diagnosed = end(examination);
        mailbox.spawn(number, async move { Ok(checks(&diagnosed.await)) })
    }
}
