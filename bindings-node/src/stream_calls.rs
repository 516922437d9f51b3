//! A request to the stream API, once its head is read.

use napi::bindgen_prelude::{Either, Uint8Array};
use napi_derive::napi;
use ssf_bindings::set::signature;
use ssf_transmitter::{
    self as sdk,
    stream::{self, Step},
};

use crate::{
    deliveries::{DeliveryFailure, time},
    failure::{Failure, Outcome, outcome},
    mailbox::Mailbox,
    pending::Request,
    records::ErrorParts,
};

/// An answer: headers are names and values by turns.
#[napi(object, object_from_js = false)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<String>,
    pub body: Uint8Array,
    /// Why the transmitter cannot answer, for its operator.
    pub failure: Option<DeliveryFailure>,
    pub audits: Vec<Audit>,
}

impl From<stream::Answer> for Answer {
    fn from(answer: stream::Answer) -> Self {
        let headers = answer.headers().flat_map(|(name, value)| [name.to_owned(), value.to_owned()]);
        let (status, headers) = (answer.status(), headers.collect());
        let failure = answer.failure().cloned().map(Into::into);
        let audits = answer.audits().iter().map(Into::into).collect();
        Self { status, headers, body: answer.into_body().into(), failure, audits }
    }
}

/// A change, or an attempt to make one. The time is in milliseconds since 1970.
#[napi(object, object_from_js = false)]
pub struct Audit {
    pub when: f64,
    pub caller: Option<String>,
    pub action: &'static str,
    pub stream: Option<String>,
    pub outcome: &'static str,
}

impl From<&stream::Audit> for Audit {
    fn from(audit: &stream::Audit) -> Self {
        Self {
            when: time(audit.when()),
            caller: audit.caller().map(str::to_owned),
            action: audit.action(),
            stream: audit.stream().map(str::to_owned),
            outcome: audit.outcome(),
        }
    }
}

/// A request that waits for its body.
#[napi]
pub struct StreamCall(Option<stream::Call>);

impl StreamCall {
    pub(crate) fn of(call: stream::Call) -> Self {
        Self(Some(call))
    }
}

#[napi]
impl StreamCall {
    /// How many bytes of the body to read at most.
    #[napi(getter)]
    pub fn limit(&self) -> u32 {
        self.0.as_ref().and_then(|call| call.limit().try_into().ok()).unwrap_or_default()
    }

    /// Answers the request, or tells what to sign first.
    #[napi]
    pub fn respond(&mut self, mailbox: &Mailbox, number: u32, body: Uint8Array) -> Outcome<()> {
        let (call, body) = (self.0.take(), body.to_vec());
        mailbox.spawn(number, async move {
            Ok(match call.ok_or_else(answered)?.step(&body).await {
                Step::Answered(answer) => Either::A(Answer::from(answer)),
                Step::Sign(signing) => Either::B(StreamSigning(Some(signing))),
            })
        })
    }

    /// The answer if the body does not come in time.
    #[napi]
    pub fn too_slow(&self) -> Outcome<Answer> {
        let call = self.0.as_ref().ok_or_else(answered);
        outcome(call.map(|call| call.too_slow().into()))
    }
}

/// A poll that waits for signatures that JavaScript makes.
#[napi]
pub struct StreamSigning(Option<stream::Signing>);

/// A signature, or the error that says why there is none.
#[napi(object, object_to_js = false)]
pub struct Signed {
    pub bytes: Option<Uint8Array>,
    pub der: bool,
    pub error: Option<ErrorParts>,
}

impl From<Signed> for sdk::error::Result<sdk::Signature> {
    fn from(signed: Signed) -> Self {
        match signed.error {
            Some(error) => Err(error.into()),
            None => Ok(signature(signed.bytes.map(|bytes| bytes.to_vec()).unwrap_or_default(), signed.der)),
        }
    }
}

#[napi]
impl StreamSigning {
    /// The signatures that it waits for.
    #[napi]
    pub fn requests(&self) -> Vec<Request> {
        let Some(signing) = &self.0 else { return Vec::new() };
        let (kid, time_left) = (signing.key().kid().unwrap_or_default(), signing.time_left());
        signing.sets().map(|set| Request::new(kid, set, time_left)).collect()
    }

    /// Answers the request, with signatures and errors in the order of the requests.
    #[napi]
    pub fn finish(&mut self, mailbox: &Mailbox, number: u32, signatures: Vec<Signed>) -> Outcome<()> {
        let (signing, signatures) = (self.0.take(), signatures.into_iter().map(Into::into).collect());
        mailbox.spawn(number, async move {
            Ok(Answer::from(signing.ok_or_else(answered)?.finish(signatures).await))
        })
    }

    /// Ends it without an answer.
    #[napi]
    pub fn abandon(&mut self) {
        drop(self.0.take());
    }
}

fn answered() -> Failure {
    Failure::internal("a request was answered twice")
}
