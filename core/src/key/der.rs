//! Private keys in DER: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017 §A.1.2) and SEC1 (RFC 5915 §3).
//!
//! The structures borrow what they read, so nothing of a key is copied before it is in numbers that are wiped.

use const_oid::{
    ObjectIdentifier,
    db::{
        fips204::ID_ML_DSA_44,
        rfc5639,
        rfc5912::{
            ID_DSA, ID_EC_PUBLIC_KEY, ID_MGF_1, ID_RSASSA_PSS, ID_SHA_256, ID_SHA_384, ID_SHA_512,
            RSA_ENCRYPTION, SECP_224_R_1, SECP_256_R_1, SECP_384_R_1, SECP_521_R_1,
        },
        rfc8410::{ID_ED_448, ID_ED_25519, ID_X_448, ID_X_25519},
    },
};
use openssl::bn::BigNum;
use pkcs1::{RsaPrivateKey, RsaPssParamsOwned, UintRef};
use pkcs8::{
    PrivateKeyInfoRef,
    der::{
        Decode as _, ErrorKind, Tag, Tagged as _,
        asn1::{AnyRef, OctetStringRef},
    },
};
use sec1::{EcParameters, EcPrivateKey};

use super::material::{self, Material, Point};
use crate::{
    error::{Error, ErrorCode, Result},
    jose::{Algorithm, KeyFamily, explicit_curve, unsupported},
};

/// Reads a private key that is not encrypted; `None` if it is in none of the three structures.
pub(super) fn private_key(bytes: &[u8]) -> Result<Option<Material>> {
    if let Ok(info) = PrivateKeyInfoRef::from_der(bytes) {
        return pkcs8(&info);
    }
    if let Some(key) = rsa(bytes)? {
        return Ok(Some(key));
    }
    let Some(key) = sec1(bytes)? else {
        return Ok(None);
    };
    match key.parameters.and_then(EcParameters::named_curve) {
        Some(curve) => on_curve(curve, &key, None).map(Some),
        None => Err(without_curve()),
    }
}

fn pkcs8(info: &PrivateKeyInfoRef<'_>) -> Result<Option<Material>> {
    let parameters = info.algorithm.parameters;
    let bytes = info.private_key.as_bytes();
    let public = info.public_key.and_then(|bits| bits.as_bytes());
    match info.algorithm.oid {
        RSA_ENCRYPTION => rsa(bytes),
        ID_RSASSA_PSS => {
            let bound_to = pss_algorithms(parameters)?;
            Ok(rsa(bytes)?.map(|key| Material { bound_to, ..key }))
        }
        ID_EC_PUBLIC_KEY => match info.algorithm.parameters_oid() {
            Ok(curve) => sec1(bytes)?.map(|key| on_curve(curve, &key, public)).transpose(),
            Err(_) if parameters.is_some_and(|any| any.tag() == Tag::Sequence) => Err(explicit_curve()),
            Err(_) => Err(without_curve()),
        },
        ID_ED_25519 => match info.private_key.decode_into::<&OctetStringRef>() {
            Ok(d) if d.as_bytes().len() == 32 => material::ed25519(d.as_bytes(), public).map(Some),
            _ => Ok(None),
        },
        other => Err(unsupported(name_of_algorithm(other))),
    }
}

/// The algorithms that the parameters of an RSASSA-PSS key allow (RFC 4055 §3.1): those with one hash, or all.
fn pss_algorithms(parameters: Option<AnyRef<'_>>) -> Result<&'static [Algorithm]> {
    let Some(parameters) = parameters else {
        return Ok(&[Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512]);
    };
    // RFC 7518 §3.5: the mask has the hash of the signature, and the salt is as long as the hash.
    let read = || {
        let parameters: RsaPssParamsOwned = parameters.decode_as().ok()?;
        let of_mask = parameters.mask_gen.parameters?.oid;
        let fits = parameters.mask_gen.oid == ID_MGF_1 && of_mask == parameters.hash.oid;
        fits.then_some((parameters.hash.oid, parameters.salt_len))
    };
    match read() {
        Some((ID_SHA_256, ..=32)) => Ok(&[Algorithm::Ps256]),
        Some((ID_SHA_384, ..=48)) => Ok(&[Algorithm::Ps384]),
        Some((ID_SHA_512, ..=64)) => Ok(&[Algorithm::Ps512]),
        _ => Err(unsupported(
            "an RSASSA-PSS key restricted to parameters other than those of PS256, PS384 or PS512",
        )),
    }
}

fn rsa(bytes: &[u8]) -> Result<Option<Material>> {
    let Ok(key) = RsaPrivateKey::<UintRef<'_>>::from_der(bytes) else {
        return Ok(None);
    };
    if key.other_prime_infos.is_some() {
        return Err(unsupported("an RSA key with more than two primes"));
    }
    let public = |number: UintRef<'_>| BigNum::from_slice(number.as_bytes()).map_err(material::inconsistent);
    let (n, e) = (public(key.modulus)?, public(key.public_exponent)?);
    if n.num_bits() < 2048 {
        return Err(too_short(n.num_bits()));
    }
    let secret = |number: UintRef<'_>| material::secret_number(number.as_bytes());
    let private = [
        secret(key.private_exponent)?,
        secret(key.prime1)?,
        secret(key.prime2)?,
        secret(key.exponent1)?,
        secret(key.exponent2)?,
        secret(key.coefficient)?,
    ];
    material::rsa(n, e, private).map(Some)
}

fn sec1(bytes: &[u8]) -> Result<Option<EcPrivateKey<'_>>> {
    /// A curve that is spelt out where its name is expected.
    const SPELT_OUT: ErrorKind =
        ErrorKind::TagUnexpected { expected: Some(Tag::ObjectIdentifier), actual: Tag::Sequence };
    match EcPrivateKey::from_der(bytes) {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.kind() == SPELT_OUT => Err(explicit_curve()),
        Err(_) => Ok(None),
    }
}

/// The key on this curve. In PKCS#8 the public key may stand outside.
fn on_curve(curve: ObjectIdentifier, key: &EcPrivateKey<'_>, outside: Option<&[u8]>) -> Result<Material> {
    let family = match curve {
        SECP_256_R_1 => KeyFamily::P256,
        SECP_384_R_1 => KeyFamily::P384,
        SECP_521_R_1 => KeyFamily::P521,
        other => return Err(unsupported(name_of_curve(other))),
    };
    let point = key.public_key.or(outside).map_or(Point::Missing, Point::Encoded);
    material::curve(family, key.private_key, &point)
}

/// What keys of this algorithm are called that sign no SETs here.
fn name_of_algorithm(oid: ObjectIdentifier) -> &'static str {
    /// PKCS#3.
    const DIFFIE_HELLMAN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.3.1");
    match oid {
        ID_X_25519 => "X25519, a curve for key agreement,",
        ID_X_448 => "X448, a curve for key agreement,",
        ID_ED_448 => "Ed448",
        ID_DSA => "DSA",
        DIFFIE_HELLMAN => "a Diffie-Hellman key",
        _ if oid.parent() == ID_ML_DSA_44.parent() => match oid.arcs().last() {
            Some(17..=19) => "ML-DSA",
            Some(20..=31) => "SLH-DSA",
            _ => "this type of key",
        },
        _ => "this type of key",
    }
}

/// What keys on this curve are called that sign no SETs here.
fn name_of_curve(oid: ObjectIdentifier) -> &'static str {
    const SECP_192_R_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.1");
    const SECP_256_K_1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
    const SM2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");
    match oid {
        SECP_256_K_1 => "the curve secp256k1",
        SECP_224_R_1 => "the curve P-224",
        SECP_192_R_1 => "the curve P-192",
        SM2 => "the curve SM2",
        _ if oid.parent() == Some(rfc5639::VERSION_ONE) => "a Brainpool curve",
        _ => "this elliptic curve",
    }
}

fn without_curve() -> Error {
    unsupported("an elliptic curve key that does not name its curve")
}

/// RFC 7518 §3.3.
pub(super) fn too_short(bits: i32) -> Error {
    let message = format!("the RSA key has {bits} bits; the minimum is 2048");
    Error::new(ErrorCode::KeyRsaTooShort, message)
}
