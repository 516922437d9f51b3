//! SETs for receivers that poll: built and signed once, and kept until they are acknowledged.

use serde_json::{Map, Value};

use super::{StreamApi, problem::Problem, stored::Stream};
use crate::{
    dialect::Dialect,
    error::{Error, ErrorCode, Result},
    key::TransmitterKey,
    outbox::{Claimed, Content, Failure, Fault, Frozen, Lease, Outcome, Payload, Polled, Seal, Settlement},
    set::{Audience, SetBuilder, SignedSet, UnsignedSet},
};

/// The SETs of one answer, by their deliveries.
pub(super) struct Batch(Vec<(Lease, Prepared)>);

enum Prepared {
    /// Signed for an earlier poll.
    Kept(String),
    Unsigned(UnsignedSet),
}

impl Batch {
    /// Those that are not signed yet.
    pub(super) fn unsigned(&self) -> impl Iterator<Item = &UnsignedSet> {
        self.0.iter().filter_map(|(_, prepared)| match prepared {
            Prepared::Kept(_) => None,
            Prepared::Unsigned(set) => Some(set),
        })
    }
}

impl StreamApi {
    /// Builds the SETs of deliveries for this key. One that cannot be built is dead, and does not keep the others back.
    pub(super) async fn prepare(
        &self,
        stream: &Stream,
        polled: &Polled,
        key: &TransmitterKey,
    ) -> Result<Batch, Problem> {
        let (mut batch, mut dead) = (Vec::new(), Vec::new());
        for claimed in &polled.deliveries {
            let lease = claimed.lease.clone();
            match self.set_for(stream, claimed, key) {
                Ok(prepared) => batch.push((lease, prepared)),
                Err(error) if Fault::of(error.code(), None) == Fault::Event => {
                    let outcome = Outcome::Dead(Failure::from(&error));
                    dead.push(Settlement { outcome, ..Settlement::released(lease) });
                }
                Err(error) => {
                    self.release(polled.deliveries.iter().map(|claimed| claimed.lease.clone())).await?;
                    return Err(error.into());
                }
            }
        }
        if !dead.is_empty() {
            self.store().settle(dead).await?;
        }
        Ok(Batch(batch))
    }

    /// Signs what is not signed yet, keeps it, and returns what the receiver gets: all SETs, or an error if one cannot be
    /// signed. What was signed nevertheless is kept, so that the next poll goes on from there.
    pub(super) async fn complete(
        &self,
        batch: Batch,
        mut sign: impl FnMut(UnsignedSet) -> Result<SignedSet>,
    ) -> Result<Map<String, Value>, Problem> {
        let (mut sets, mut frozen, mut leases, mut failed) = (Map::new(), Vec::new(), Vec::new(), None);
        for (lease, prepared) in batch.0 {
            let compact = match prepared {
                Prepared::Kept(compact) => Ok(compact),
                Prepared::Unsigned(set) => sign(set).and_then(|set| {
                    frozen.push(self.frozen(&lease, &set)?);
                    Ok(set.as_str().to_owned())
                }),
            };
            match compact {
                Ok(compact) => drop(sets.insert(lease.jti.clone(), compact.into())),
                Err(error) => failed = failed.or(Some(error)),
            }
            leases.push(lease);
        }
        if !frozen.is_empty() {
            let jtis: Vec<_> = frozen.iter().map(|frozen| frozen.lease.jti.clone()).collect();
            // Another poll of the stream may have them meanwhile.
            for (jti, held) in jtis.iter().zip(self.store().freeze(frozen).await?) {
                if !held {
                    sets.shift_remove(jti);
                }
            }
        }
        let Some(error) = failed else { return Ok(sets) };
        self.release(leases.into_iter()).await?;
        Err(error.into())
    }

    /// The SET that was kept of a delivery, if it was signed for a poll.
    pub(super) fn kept_set(&self, kept: &Payload) -> Result<Option<SignedSet>> {
        Ok(SignedSet::kept(&Seal::open(self.sealing(), "claims", kept.as_bytes())?))
    }

    /// The SET of a delivery. Signed earlier, it is the same one: a receiver that polls again costs no signature.
    fn set_for(&self, stream: &Stream, claimed: &Claimed, key: &TransmitterKey) -> Result<Prepared> {
        let earlier = claimed.frozen.as_ref();
        let earlier =
            earlier.map(|frozen| Seal::open(self.sealing(), "claims", frozen.as_bytes())).transpose()?;
        let dialect = self.dialect(stream.configuration.dialect.as_deref())?;
        Ok(match earlier {
            Some(kept) => match SignedSet::kept(&kept) {
                Some(set) => Prepared::Kept(set.as_str().to_owned()),
                // A worker has fixed the claims, before the receiver changed to polling.
                None => Prepared::Unsigned(UnsignedSet::resume(key.into(), &dialect, &kept)?),
            },
            None => Prepared::Unsigned(self.build(stream, claimed, &dialect, key)?),
        })
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

    fn frozen(&self, lease: &Lease, set: &SignedSet) -> Result<Frozen> {
        let sealed = Seal::seal(self.sealing(), "claims", set.as_str().to_owned().into_bytes())?;
        Ok(Frozen::new(lease.clone(), sealed.into()))
    }

    /// Gives deliveries back: the next poll gets them.
    async fn release(&self, leases: impl Iterator<Item = Lease>) -> Result<()> {
        self.store().settle(leases.map(Settlement::released).collect()).await?;
        Ok(())
    }
}
