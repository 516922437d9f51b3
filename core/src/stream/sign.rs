//! SETs for receivers that poll: built and signed once, and kept until they are acknowledged.

use super::{StreamApi, stored::Stream};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorCode, Result},
    key::TransmitterKey,
    outbox::{Claimed, Content, Frozen, Payload, Seal},
    set::{Audience, SetBuilder, SignedSet, UnsignedSet},
};

/// A SET for a receiver, and what is to be kept of it if it is new.
pub(super) struct Ready {
    pub(super) jti: String,
    pub(super) compact: String,
    pub(super) frozen: Option<Frozen>,
}

impl StreamApi {
    /// The SET of a delivery. Signed earlier, it is the same one: a receiver that polls again costs no signature.
    pub(super) async fn set_for(&self, stream: &Stream, claimed: &Claimed) -> Result<Ready> {
        let jti = claimed.lease.jti.clone();
        let earlier = claimed.frozen.as_ref();
        let earlier =
            earlier.map(|frozen| Seal::open(self.sealing(), "claims", frozen.as_bytes())).transpose()?;
        let dialect = self.dialect(stream.configuration.dialect.as_deref())?;
        let key = self.keys().active();
        let unsigned = match earlier {
            Some(kept) => match SignedSet::kept(&kept) {
                Some(set) => return Ok(Ready { jti, compact: set.as_str().to_owned(), frozen: None }),
                // A worker has fixed the claims, before the receiver changed to polling.
                None => UnsignedSet::resume((&key).into(), &dialect, &kept)?,
            },
            None => self.build(stream, claimed, &dialect, &key)?,
        };
        let set = sign(&key, unsigned).await?;
        let compact = set.as_str().to_owned();
        let sealed = Seal::seal(self.sealing(), "claims", compact.clone().into_bytes())?;
        Ok(Ready { jti, compact, frozen: Some(Frozen::new(claimed.lease.clone(), sealed.into())) })
    }

    /// The SET that was kept of a delivery, if it was signed for a poll.
    pub(super) fn kept_set(&self, kept: &Payload) -> Result<Option<SignedSet>> {
        Ok(SignedSet::kept(&Seal::open(self.sealing(), "claims", kept.as_bytes())?))
    }

    fn build(
        &self,
        stream: &Stream,
        claimed: &Claimed,
        dialect: &Dialect,
        key: &TransmitterKey,
    ) -> Result<UnsignedSet> {
        let content =
            Content::from_json(&Seal::open(self.sealing(), "payload", claimed.payload.as_bytes())?)?;
        let audience: Audience = serde_json::from_value(stream.configuration.aud.clone())
            .map_err(|_| Error::new(ErrorCode::OutboxCorrupt, "the audience of a stream is damaged"))?;
        let set = SetBuilder::new(&self.settings().issuer, audience)
            .dialect(dialect)
            .jti(claimed.lease.jti.as_str())
            .issued_at(claimed.issued_at);
        content.put_into(set).prepare(key)
    }
}

async fn sign(key: &TransmitterKey, set: UnsignedSet) -> Result<SignedSet> {
    match key {
        TransmitterKey::Local(key) => set.sign(key),
        TransmitterKey::External(key) => {
            let none = || Error::new(ErrorCode::SignerFailed, "a key without a signer cannot sign for polls");
            set.sign_with(key.signer().ok_or_else(none)?).await
        }
    }
}
