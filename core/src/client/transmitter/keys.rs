//! Signing with the active key of a set: one of this process, or an external one.

use crate::{
    error::{Error, ErrorCode, Result},
    key::{KeySet, TransmitterKey},
    lint::Linter,
    set::{SignedSet, UnsignedSet},
};

/// Tells a linter what will sign.
pub(super) fn introduce(keys: &KeySet, linter: Linter) -> Linter {
    let linter = linter.header(&keys.active());
    match keys.jwks() {
        Ok(jwks) => linter.jwks(jwks),
        Err(_) => linter,
    }
}

/// Signs a SET that was prepared for this key.
pub(in crate::client) async fn sign(key: &TransmitterKey, set: UnsignedSet) -> Result<SignedSet> {
    match key {
        TransmitterKey::Local(key) => set.sign(key),
        TransmitterKey::External(key) => {
            let by_caller = || Error::new(ErrorCode::SignerFailed, "the caller signs: use Emit::begin");
            set.sign_with(key.signer().ok_or_else(by_caller)?).await
        }
    }
}
