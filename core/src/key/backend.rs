//! Signing with OpenSSL.
//!
//! Not by josekit's signers: they take a key only as DER, which OpenSSL's reader leaves in memory.

use std::sync::{Mutex, MutexGuard};

use openssl::{
    error::ErrorStack,
    md::{Md, MdRef},
    pkey::{PKey, Private},
    pkey_ctx::PkeyCtx,
    rsa::Padding,
    sign::{RsaPssSaltlen, Signer},
    version::version,
};

use crate::{
    error::{Error, Result},
    jose::{Algorithm, KeyFamily, Signature},
};

/// Contexts of OpenSSL for one key and algorithm, ready to sign, for as many threads as have signed at once. Making one for
/// each signature takes a tenth of the time of an ES256 signature.
#[derive(Default)]
pub(super) struct Contexts(Mutex<Vec<PkeyCtx<Private>>>);

impl Contexts {
    /// Signs bytes with a key that fits the algorithm, always the same two; the signature is in the form of JWS.
    pub(super) fn sign(&self, key: &PKey<Private>, algorithm: Algorithm, input: &[u8]) -> Result<Vec<u8>> {
        // That it names its version also keeps the version in the program, where scanners and `cargo xtask dist` look for it.
        let failed = |error| Error::internal(format!("{} could not sign", version())).because(error);
        let signature = self.openssl_signature(key, algorithm, input).map_err(failed)?;
        match algorithm.family() {
            KeyFamily::Rsa | KeyFamily::Ed25519 => Ok(signature),
            KeyFamily::P256 | KeyFamily::P384 | KeyFamily::P521 => {
                Signature::Der(signature).into_jws(algorithm)
            }
        }
    }

    fn openssl_signature(
        &self,
        key: &PKey<Private>,
        algorithm: Algorithm,
        input: &[u8],
    ) -> Result<Vec<u8>, ErrorStack> {
        let Some(digest) = algorithm.digest(input) else {
            return Signer::new_without_digest(key)?.sign_oneshot_to_vec(input);
        };
        let of_signature = match digest.len() {
            32 => Md::sha256(),
            48 => Md::sha384(),
            _ => Md::sha512(),
        };
        let mut context = match self.idle().and_then(|mut idle| idle.pop()) {
            Some(context) => context,
            None => context(key, algorithm, of_signature)?,
        };
        let mut signature = Vec::new();
        context.sign_to_vec(&digest, &mut signature)?;
        // One that has failed is not used again.
        if let Some(mut idle) = self.idle() {
            idle.push(context);
        }
        Ok(signature)
    }

    /// Nobody waits: a thread that held the lock when the process forked does not exist in the child.
    fn idle(&self) -> Option<MutexGuard<'_, Vec<PkeyCtx<Private>>>> {
        self.0.try_lock().ok()
    }
}

fn context(key: &PKey<Private>, algorithm: Algorithm, hash: &MdRef) -> Result<PkeyCtx<Private>, ErrorStack> {
    let mut context = PkeyCtx::new(key)?;
    context.sign_init()?;
    if matches!(algorithm, Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512) {
        // RFC 7518 §3.5: the same hash for the mask, and a salt as long as it.
        context.set_rsa_padding(Padding::PKCS1_PSS)?;
        context.set_signature_md(hash)?;
        context.set_rsa_mgf1_md(hash)?;
        context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
    } else {
        context.set_signature_md(hash)?;
    }
    Ok(context)
}
