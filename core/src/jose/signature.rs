//! The value of a signature, and its two forms for elliptic curves.

use openssl::ecdsa::EcdsaSig;

use super::{Algorithm, KeyFamily};
use crate::error::{Error, ErrorCode, Result};

/// A signature as a signer made it.
///
/// For RSA and Ed25519 there is one form. For ECDSA, JWS wants R and S side by side (RFC 7518 §3.4), while many key
/// stores (AWS KMS, Secure Enclave, PKCS#11 bridges) give DER: say which one it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Signature {
    /// As JWS has it: the RSA or Ed25519 signature, or R and S of fixed length.
    Raw(Vec<u8>),
    /// ECDSA as a DER `SEQUENCE` of R and S.
    Der(Vec<u8>),
}

impl Signature {
    /// The bytes that go into the SET.
    pub(crate) fn into_jws(self, algorithm: Algorithm) -> Result<Vec<u8>> {
        let malformed = |message: String| Err(Error::new(ErrorCode::SignatureMalformed, message));
        let raw_length = match (algorithm.family(), algorithm.family().curve()) {
            (KeyFamily::Ed25519, _) => Some(64),
            (_, Some((_, coordinate))) => Some(2 * coordinate),
            (_, None) => None,
        };
        match (self, raw_length) {
            (Self::Raw(bytes), Some(expected)) if bytes.len() != expected => malformed(format!(
                "a raw signature for {algorithm} has {expected} bytes, this one {}",
                bytes.len()
            )),
            // RSA signatures are as long as the key: 2048 bits or more, in whole bytes.
            (Self::Raw(bytes), None) if bytes.len() < 256 => malformed(format!(
                "a signature for {algorithm} has 256 bytes or more, this one {}",
                bytes.len()
            )),
            (Self::Raw(bytes), _) => Ok(bytes),
            (Self::Der(der), Some(length)) if algorithm.family() != KeyFamily::Ed25519 => {
                let Some(raw) = der_to_raw(&der, length / 2) else {
                    return malformed(format!("not a DER signature for {algorithm}"));
                };
                Ok(raw)
            }
            (Self::Der(_), _) => malformed(format!("{algorithm} signatures have no DER form")),
        }
    }
}

fn der_to_raw(der: &[u8], coordinate: usize) -> Option<Vec<u8>> {
    let signature = EcdsaSig::from_der(der).ok()?;
    // OpenSSL reads past trailing bytes; DER has none.
    if signature.to_der().ok()? != der {
        return None;
    }
    let length = i32::try_from(coordinate).ok()?;
    let mut raw = signature.r().to_vec_padded(length).ok()?;
    raw.extend(signature.s().to_vec_padded(length).ok()?);
    (raw.len() == 2 * coordinate).then_some(raw)
}
