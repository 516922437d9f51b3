//! The private half: an OpenSSL key on the way in, a josekit signer kept for use.
//!
//! josekit copies no key bytes when it is given PKCS#8 DER with the exact algorithm identifier, so that is what it gets:
//! for RSASSA-PSS the identifier is written here. Every buffer of ours is wiped.

use josekit::jws::{ES256, ES384, ES512, EdDSA, JwsSigner, PS256, PS384, PS512, RS256, RS384, RS512};
use openssl::pkey::{Id, PKey, Private};
use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    jose::Algorithm,
};

/// A private key as PKCS#8 DER.
pub(super) type Pkcs8 = Zeroizing<Vec<u8>>;

/// PKCS#8 of an OpenSSL key; RSASSA-PSS keys as plain RSA ones, their parameters come from the algorithm.
pub(super) fn pkcs8(key: &PKey<Private>) -> Result<Pkcs8> {
    let failed = |error| Error::internal("the key cannot be written as PKCS#8").because(error);
    if key.id() == Id::RSA_PSS {
        let plain = key.rsa().and_then(PKey::from_rsa).map_err(failed)?;
        return plain.private_key_to_pkcs8().map(Zeroizing::new).map_err(failed);
    }
    key.private_key_to_pkcs8().map(Zeroizing::new).map_err(failed)
}

/// Reads our own PKCS#8 again.
pub(super) fn open(pkcs8: &Pkcs8) -> Result<PKey<Private>> {
    PKey::private_key_from_der(pkcs8)
        .map_err(|error| Error::internal("the key cannot be read again").because(error))
}

/// The signer for `algorithm`, which fits the key.
pub(super) fn signer(pkcs8: &Pkcs8, algorithm: Algorithm) -> Result<Box<dyn JwsSigner>> {
    let refused = |_| Error::internal("the signer refuses the key");
    Ok(match algorithm {
        Algorithm::Rs256 => Box::new(RS256.signer_from_der(pkcs8).map_err(refused)?),
        Algorithm::Rs384 => Box::new(RS384.signer_from_der(pkcs8).map_err(refused)?),
        Algorithm::Rs512 => Box::new(RS512.signer_from_der(pkcs8).map_err(refused)?),
        Algorithm::Ps256 => Box::new(PS256.signer_from_der(&*pss(pkcs8, 1, 32)?).map_err(refused)?),
        Algorithm::Ps384 => Box::new(PS384.signer_from_der(&*pss(pkcs8, 2, 48)?).map_err(refused)?),
        Algorithm::Ps512 => Box::new(PS512.signer_from_der(&*pss(pkcs8, 3, 64)?).map_err(refused)?),
        Algorithm::Es256 => Box::new(ES256.signer_from_der(pkcs8).map_err(refused)?),
        Algorithm::Es384 => Box::new(ES384.signer_from_der(pkcs8).map_err(refused)?),
        Algorithm::Es512 => Box::new(ES512.signer_from_der(pkcs8).map_err(refused)?),
        Algorithm::EdDsa | Algorithm::Ed25519 => Box::new(EdDSA.signer_from_der(pkcs8).map_err(refused)?),
    })
}

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
/// `INTEGER 0`, the version of PKCS#8.
const VERSION: &[u8] = &[0x02, 0x01, 0x00];
/// 1.2.840.113549.1.1.10, RSASSA-PSS.
const RSASSA_PSS: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// 1.2.840.113549.1.1.8, MGF1.
const MGF1: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// 2.16.840.1.101.3.4.2, the SHA-2 family, without its last arc.
const SHA2: &[u8] = &[0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];

/// PKCS#8 with the algorithm identifier of RSASSA-PSS (RFC 4055 §3.1), instead of that of plain RSA.
///
/// `hash` is the last arc of the hash's identifier, used for the mask too; `salt` is as long as the hash (RFC 7518 §3.5).
fn pss(pkcs8: &Pkcs8, hash: u8, salt: u8) -> Result<Pkcs8> {
    let rsa = open(pkcs8)?.rsa().map_err(|error| Error::internal("this is no RSA key").because(error))?;
    let pkcs1 = rsa.private_key_to_der().map_err(|error| Error::internal("no PKCS#1").because(error))?;
    let pkcs1 = Zeroizing::new(pkcs1);

    let hash = tlv(SEQUENCE, &[SHA2, &[hash]]);
    let mask = tlv(SEQUENCE, &[MGF1, &hash]);
    let salt = tlv(0xa2, &[&[0x02, 0x01, salt]]);
    let parameters = tlv(SEQUENCE, &[&tlv(0xa0, &[&hash]), &tlv(0xa1, &[&mask]), &salt]);
    let identifier = tlv(SEQUENCE, &[RSASSA_PSS, &parameters]);
    Ok(tlv(SEQUENCE, &[VERSION, &identifier, &tlv(OCTET_STRING, &[&pkcs1])]))
}

/// One DER value: tag, length, contents.
fn tlv(tag: u8, contents: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    // Allocated once: growing would leave unwiped copies behind.
    let mut der = Zeroizing::new(Vec::with_capacity(length + 6));
    der.push(tag);
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1)..];
    if length >= 0x80 {
        #[allow(clippy::cast_possible_truncation, reason = "a length has eight bytes at most")]
        der.push(0x80 | significant.len() as u8);
    }
    der.extend_from_slice(significant);
    for part in contents {
        der.extend_from_slice(part);
    }
    der
}
