//! Polls that wait for the signatures of an external key.

use std::{
    fmt,
    future::{pending, poll_fn},
    task::Poll,
    time::Duration,
};

use super::{Answer, Audit, StreamApi, poll::answer, route::Operation, sign::Batch};
use crate::{
    error::{Error, ErrorCode, Result},
    jose::Signature,
    key::{self, BoxFuture, ExternalKey},
    set::UnsignedSet,
    time::Timestamp,
};

/// What follows from the body of a request.
#[derive(Debug)]
#[must_use = "the request is not answered yet"]
pub enum Step {
    /// The answer.
    Answered(Answer),
    /// The SETs of the answer have to be signed first, with an external key.
    Sign(Signing),
}

impl Step {
    pub(super) fn audited(self, audit: Audit) -> Self {
        match self {
            Self::Answered(answer) => Self::Answered(answer.audited(audit)),
            Self::Sign(signing) => Self::Sign(Signing { audit: Some(audit), ..signing }),
        }
    }
}

/// A poll that waits for signatures, from [`Call::step`](super::Call::step): for servers with an external key that
/// cannot be called back, unlike a [`Signer`](crate::Signer).
///
/// Dropped, it gives nothing out: its SETs come again when their lease has ended.
///
/// ```
/// use ssf_transmitter::{Error, Signature, stream::{Answer, Call, Step}};
///
/// # fn hsm_sign(_: &[u8]) -> Vec<u8> { vec![7; 64] }
/// # #[allow(dead_code)]
/// async fn respond(call: Call, body: &[u8]) -> Answer {
///     match call.step(body).await {
///         Step::Answered(answer) => answer,
///         Step::Sign(signing) => {
///             let signed = signing.sets().map(|set| Ok(Signature::Raw(hsm_sign(set.signing_input()))));
///             let signatures: Vec<Result<Signature, Error>> = signed.collect();
///             signing.finish(signatures).await
///         }
///     }
/// }
/// ```
#[must_use = "dropped, it gives nothing out"]
pub struct Signing {
    api: StreamApi,
    stream: String,
    key: ExternalKey,
    batch: Batch,
    more: bool,
    until: Timestamp,
    audit: Option<Audit>,
}

impl Signing {
    pub(super) fn new(api: StreamApi, stream: &str, key: ExternalKey, batch: Batch, more: bool) -> Self {
        // The other half of the lease is for keeping what is signed.
        let until = api.settings().steady.now().plus(api.settings().lease / 2);
        Self { api, stream: stream.to_owned(), key, batch, more, until, audit: None }
    }

    /// The key that must sign: the active one when the SETs were built.
    pub fn key(&self) -> &ExternalKey {
        &self.key
    }

    /// The SETs to sign.
    pub fn sets(&self) -> impl Iterator<Item = &UnsignedSet> {
        self.batch.unsigned()
    }

    /// How long the signatures may take: half of the [lease](super::StreamApiBuilder::lease), so that they can be kept
    /// before it ends.
    pub fn time_left(&self) -> Duration {
        self.until.since(self.api.settings().steady.now())
    }

    /// Takes the signatures, in the order of the [SETs](Self::sets), and answers. Signed SETs are kept until they are
    /// acknowledged.
    ///
    /// If a signature is missing or an error, such as [`ErrorCode::SignerFailed`] or [`ErrorCode::DeadlineExceeded`], the
    /// answer is 503, its [failure](Answer::failure) says why, and the next poll gets the SETs. Those that are signed need
    /// no signature then.
    pub async fn finish(self, signatures: Vec<Result<Signature>>) -> Answer {
        let mut signatures = signatures.into_iter();
        let mut next = || signatures.next().unwrap_or_else(|| Err(none("a SET has no signature")));
        let ended =
            self.api.complete(self.batch, |set| next().and_then(|signature| set.attach(signature))).await;
        let answer = match ended {
            Ok(sets) => answer(&sets, self.more),
            Err(problem) => problem.failed(&Operation::Poll(self.stream)),
        };
        match self.audit {
            Some(audit) => answer.audited(audit),
            None => answer,
        }
    }

    /// Signs all SETs at once with the [`Signer`](crate::Signer) of the key, and answers. With the timer of
    /// [long polls](super::StreamApiBuilder::long_poll), the signatures take no longer than they [may](Self::time_left).
    pub async fn sign(self) -> Answer {
        let Some(signer) = self.key.signer() else {
            return self.finish(vec![Err(none("the caller signs: use Call::step"))]).await;
        };
        let deadline: BoxFuture<'_, ()> = match &self.api.settings().timer {
            Some(timer) => timer.wait(self.time_left()),
            None => Box::pin(pending()),
        };
        let signatures = all(self.sets().map(|set| signer.sign(set.signing_input())), deadline).await;
        let late =
            || Error::new(ErrorCode::DeadlineExceeded, "the deadline passed while waiting for a signature");
        let signatures = signatures.into_iter().map(|signed| signed.ok_or_else(late)?.map_err(key::failed));
        let signatures = signatures.collect();
        self.finish(signatures).await
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signing").field("key", &self.key).finish_non_exhaustive()
    }
}

fn none(message: &str) -> Error {
    Error::new(ErrorCode::SignerFailed, message)
}

/// What futures give that run at once; `None` for those that have not ended by the deadline.
async fn all<'a, T>(
    futures: impl Iterator<Item = BoxFuture<'a, T>>,
    mut deadline: BoxFuture<'_, ()>,
) -> Vec<Option<T>> {
    let mut running: Vec<_> = futures.map(|future| (future, None)).collect();
    poll_fn(|context| {
        let mut is_done = true;
        for (future, result) in &mut running {
            if result.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *result = Some(value),
                    Poll::Pending => is_done = false,
                }
            }
        }
        if is_done { Poll::Ready(()) } else { deadline.as_mut().poll(context) }
    })
    .await;
    running.into_iter().map(|(_, result)| result).collect()
}
