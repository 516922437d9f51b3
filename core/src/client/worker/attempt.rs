//! One attempt to send a claimed delivery.

use std::sync::Arc;

use super::{SignBy, freezer::Freezer};
use crate::{
    client::{Receiver, Receivers, Transmitter, drive::within, transmitter::keys},
    delivery::{Receipt, RetryPolicy},
    error::{Error, ErrorCode, Result},
    key::TransmitterKey,
    outbox::{
        Attempt, Claimed, Content, Failure, Frozen, Lease, Outbox, Outcome, Schedule, Seal, Settlement,
    },
    random,
    set::{SignedSet, UnsignedSet},
};

/// What an attempt needs.
#[derive(Clone)]
pub(super) struct Sender {
    pub(super) outbox: Outbox,
    pub(super) freezer: Freezer,
    pub(super) transmitter: Transmitter,
    pub(super) receivers: Arc<dyn Receivers>,
    pub(super) schedule: Schedule,
    pub(super) sign_by: Option<SignBy>,
}

/// What an attempt led to.
pub(super) enum Ended {
    /// It ended, and is to be settled.
    Settle(String, Box<Settlement>),
    /// The transmitter is closed: nothing was sent.
    Closed(Lease),
    /// Another worker has the delivery, or the store cannot be used: nothing was sent, and nothing is to be settled.
    Lost,
}

impl Sender {
    /// Sends a delivery. Whatever goes wrong becomes part of the settlement.
    pub(super) async fn send(self, claimed: Claimed) -> Ended {
        let began = self.outbox.now();
        let mut kid = None;
        let Some(result) = self.attempt(&claimed, &mut kid).await else { return Ended::Lost };
        if matches!(&result, Err(error) if error.code() == ErrorCode::TransmitterClosed) {
            return Ended::Closed(claimed.lease);
        }
        let random = random::number().unwrap_or_default();
        let Claimed { lease, receiver, attempts, .. } = claimed;
        let failure = result.as_ref().err().map(Failure::from);
        let status = match &result {
            Ok(receipt) => Some(receipt.status()),
            Err(error) => error.status(),
        };
        let attempt = Attempt::new(began, self.outbox.now().since(began))
            .with_kid(kid)
            .with_status(status)
            .with_failure(failure);
        let settlement = Settlement::of(lease, attempts, result.as_ref(), &self.schedule, random);
        if matches!(settlement.outcome, Outcome::Refused(_)) {
            self.receivers.forget(&receiver);
        }
        Ended::Settle(receiver, Box::new(settlement.with_attempt(attempt)))
    }

    /// The result of the attempt, or `None` if the lease does not hold any more.
    async fn attempt(&self, claimed: &Claimed, kid: &mut Option<String>) -> Option<Result<Receipt>> {
        // What never ends would keep the delivery in flight for ever.
        let found = within(self.transmitter.deadline(), self.receivers.find(&claimed.receiver)).await;
        let receiver = match found.flatten() {
            Ok(Some(receiver)) => receiver,
            Ok(None) => {
                let message = "the worker knows no receiver with this name";
                return Some(Err(Error::new(ErrorCode::ReceiverUnknown, message)));
            }
            Err(error) => return Some(Err(error)),
        };
        let seal = self.outbox.sealing();
        let (unsigned, key, claims) = match self.prepare(claimed, &receiver, seal) {
            Ok(prepared) => prepared,
            Err(error) => return Some(Err(error)),
        };
        if let Some(claims) = claims {
            let frozen = Frozen::new(claimed.lease.clone(), claims.into());
            if !self.freezer.freeze(frozen).await {
                return None;
            }
        }
        *kid = key.kid().map(str::to_owned);
        let set = match self.sign(key, unsigned).await {
            Ok(set) => set,
            Err(error) => return Some(Err(error)),
        };
        let delivery = self.transmitter.deliver(&set, &receiver).retry(RetryPolicy::once());
        Some(if claimed.uncertain { delivery.repeated() } else { delivery }.await)
    }

    /// Signs within the deadline of the transmitter.
    async fn sign(&self, key: TransmitterKey, unsigned: UnsignedSet) -> Result<SignedSet> {
        let signing = async {
            match (&key, &self.sign_by) {
                (TransmitterKey::External(key), Some(sign)) if key.signer().is_none() => {
                    sign(key.clone(), unsigned).await
                }
                _ => keys::sign(&key, unsigned).await,
            }
        };
        within(self.transmitter.deadline(), signing).await.flatten()
    }

    /// The SET, the key that signs it, and its claims if they are to be kept.
    fn prepare(
        &self,
        claimed: &Claimed,
        receiver: &Receiver,
        seal: Option<&Seal>,
    ) -> Result<(UnsignedSet, TransmitterKey, Option<Vec<u8>>)> {
        let key = self.transmitter.active();
        if let Some(frozen) = &claimed.frozen {
            let claims = Seal::open(seal, "claims", frozen.as_bytes())?;
            // Of a SET that was signed for a receiver that polled, the claims.
            let claims = SignedSet::kept(&claims).map_or(Ok(claims), |set| set.claims())?;
            return Ok((UnsignedSet::resume((&key).into(), receiver.dialect(), &claims)?, key, None));
        }
        let content = Content::from_json(&Seal::open(seal, "payload", claimed.payload.as_bytes())?)?;
        let set =
            self.transmitter.set_for(receiver).jti(claimed.lease.jti.as_str()).issued_at(claimed.issued_at);
        let unsigned = content.put_into(set).prepare(&key)?;
        let claims = Seal::seal(seal, "claims", unsigned.claims()?)?;
        Ok((unsigned, key, Some(claims)))
    }
}
