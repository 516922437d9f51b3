//! Signing with OpenSSL.
//!
//! Not by josekit's signers: they take a key only as DER, which OpenSSL's reader leaves in memory.

use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Padding,
    sign::{RsaPssSaltlen, Signer},
    version::version,
};

use crate::{
    error::{Error, Result},
    jose::{Algorithm, KeyFamily, Signature},
};

/// Signs bytes with a key that fits the algorithm; the signature is in the form of JWS.
pub(super) fn sign(key: &PKey<Private>, algorithm: Algorithm, input: &[u8]) -> Result<Vec<u8>> {
    // That it names its version also keeps the version in the program, where scanners and `cargo xtask dist` look for it.
    let failed = |error| Error::internal(format!("{} could not sign", version())).because(error);
    let signature = openssl_signature(key, algorithm, input).map_err(failed)?;
    match algorithm.family() {
        KeyFamily::Rsa | KeyFamily::Ed25519 => Ok(signature),
        KeyFamily::P256 | KeyFamily::P384 | KeyFamily::P521 => Signature::Der(signature).into_jws(algorithm),
    }
}

fn openssl_signature(key: &PKey<Private>, algorithm: Algorithm, input: &[u8]) -> Result<Vec<u8>, ErrorStack> {
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => MessageDigest::sha256(),
        Algorithm::Rs384 | Algorithm::Ps384 | Algorithm::Es384 => MessageDigest::sha384(),
        Algorithm::Rs512 | Algorithm::Ps512 | Algorithm::Es512 => MessageDigest::sha512(),
        Algorithm::EdDsa | Algorithm::Ed25519 => {
            return Signer::new_without_digest(key)?.sign_oneshot_to_vec(input);
        }
    };
    let mut signer = Signer::new(hash, key)?;
    if matches!(algorithm, Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512) {
        // RFC 7518 §3.5: the same hash for the mask, and a salt as long as it.
        signer.set_rsa_padding(Padding::PKCS1_PSS)?;
        signer.set_rsa_mgf1_md(hash)?;
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
    }
    signer.sign_oneshot_to_vec(input)
}
