//! Private keys as PKCS#8 (RFC 5958), in memory that is wiped.

use const_oid::db::{
    rfc5912::{
        ID_EC_PUBLIC_KEY, ID_MGF_1, ID_RSASSA_PSS, ID_SHA_256, ID_SHA_384, ID_SHA_512, RSA_ENCRYPTION,
        SECP_256_R_1, SECP_384_R_1, SECP_521_R_1,
    },
    rfc8410::ID_ED_25519,
};
use openssl::{
    bn::{BigNumContext, BigNumRef},
    ec::PointConversionForm,
    pkey::{PKey, Private},
};
use pkcs1::{RsaPrivateKey, RsaPssParamsOwned, TrailerField, UintRef};
use pkcs8::{
    ObjectIdentifier, PrivateKeyInfo,
    der::{
        self, Choice, Encode,
        asn1::{BitStringRef, Null, OctetStringRef},
        pem::LineEnding,
    },
    spki::AlgorithmIdentifier,
};
use sec1::EcPrivateKey;
use zeroize::Zeroizing;

use super::material::{self, Material};
use crate::{
    error::{Error, Result, Source},
    jose::{Algorithm, KeyFamily},
};

/// `PrivateKeyInfo` of a key.
pub(super) fn pkcs8(material: &Material, family: KeyFamily) -> Result<Zeroizing<Vec<u8>>> {
    let Material { key, seed, bound_to } = material;
    let info = match family {
        KeyFamily::Rsa => {
            let key = rsa(key)?;
            match bound_to {
                [] => info(RSA_ENCRYPTION, Some(Null), &key),
                [Algorithm::Ps256] => info(ID_RSASSA_PSS, Some(pss(ID_SHA_256, 32)), &key),
                [Algorithm::Ps384] => info(ID_RSASSA_PSS, Some(pss(ID_SHA_384, 48)), &key),
                [Algorithm::Ps512] => info(ID_RSASSA_PSS, Some(pss(ID_SHA_512, 64)), &key),
                _ => info(ID_RSASSA_PSS, None::<Null>, &key),
            }
        }
        KeyFamily::Ed25519 => {
            let seed = seed.as_ref().map_or(&[][..], |seed| &seed[..]);
            let key = OctetStringRef::new(seed).and_then(|seed| wiped(&seed)).map_err(failed)?;
            info(ID_ED_25519, None::<Null>, &key)
        }
        KeyFamily::P256 => info(ID_EC_PUBLIC_KEY, Some(SECP_256_R_1), &sec1(key, family)?),
        KeyFamily::P384 => info(ID_EC_PUBLIC_KEY, Some(SECP_384_R_1), &sec1(key, family)?),
        KeyFamily::P521 => info(ID_EC_PUBLIC_KEY, Some(SECP_521_R_1), &sec1(key, family)?),
    };
    info.map_err(failed)
}

/// A PEM block.
pub(super) fn pem(label: &str, der: &[u8]) -> Result<Zeroizing<String>> {
    der::pem::encode_string(label, LineEnding::LF, der).map(Zeroizing::new).map_err(failed)
}

fn info<'a, P>(oid: ObjectIdentifier, parameters: Option<P>, key: &'a [u8]) -> der::Result<Zeroizing<Vec<u8>>>
where
    P: Choice<'a, Error = der::Error> + Encode,
{
    let identifier = AlgorithmIdentifier { oid, parameters };
    wiped(&PrivateKeyInfo::<P, _, BitStringRef<'a>>::new(identifier, OctetStringRef::new(key)?))
}

/// The parameters of an RSASSA-PSS key that is bound to a hash (RFC 4055 §3.1).
///
/// The hash is the mask's too, and the salt is as long (RFC 7518 §3.5).
fn pss(hash: ObjectIdentifier, salt_len: u8) -> RsaPssParamsOwned {
    let hash = AlgorithmIdentifier { oid: hash, parameters: None };
    let mask_gen = AlgorithmIdentifier { oid: ID_MGF_1, parameters: Some(hash.clone()) };
    RsaPssParamsOwned { hash, mask_gen, salt_len, trailer_field: TrailerField::BC }
}

/// `RSAPrivateKey` (RFC 8017 §A.1.2).
#[allow(clippy::many_single_char_names, reason = "the names of RFC 8017 §3")]
fn rsa(key: &PKey<Private>) -> Result<Zeroizing<Vec<u8>>> {
    let rsa = key.rsa().map_err(failed)?;
    let bytes = |number: Option<&BigNumRef>| number.map(material::bytes).unwrap_or_default();
    let (n, e, d) = (bytes(Some(rsa.n())), bytes(Some(rsa.e())), bytes(Some(rsa.d())));
    let (p, q) = (bytes(rsa.p()), bytes(rsa.q()));
    let (dp, dq, qi) = (bytes(rsa.dmp1()), bytes(rsa.dmq1()), bytes(rsa.iqmp()));
    let write = || {
        wiped(&RsaPrivateKey {
            modulus: UintRef::new(&n)?,
            public_exponent: UintRef::new(&e)?,
            private_exponent: UintRef::new(&d)?,
            prime1: UintRef::new(&p)?,
            prime2: UintRef::new(&q)?,
            exponent1: UintRef::new(&dp)?,
            exponent2: UintRef::new(&dq)?,
            coefficient: UintRef::new(&qi)?,
            other_prime_infos: None,
        })
    };
    write().map_err(failed)
}

/// `ECPrivateKey` (RFC 5915 §3), its curve being named outside.
fn sec1(key: &PKey<Private>, family: KeyFamily) -> Result<Zeroizing<Vec<u8>>> {
    let length = family.curve().map_or(0, |(_, length)| length);
    let read = || {
        let key = key.ec_key()?;
        let form = PointConversionForm::UNCOMPRESSED;
        let point = key.public_key().to_bytes(key.group(), form, &mut *BigNumContext::new()?)?;
        Ok((material::padded(key.private_key(), length)?, point))
    };
    let (d, point) = read().map_err(failed::<openssl::error::ErrorStack>)?;
    wiped(&EcPrivateKey { private_key: &d, parameters: None, public_key: Some(&point) }).map_err(failed)
}

/// A value in memory that is allocated once, and wiped.
fn wiped(value: &impl Encode) -> der::Result<Zeroizing<Vec<u8>>> {
    value.to_der().map(Zeroizing::new)
}

fn failed<E: Into<Source>>(error: E) -> Error {
    Error::internal("the key cannot be written").because(error)
}
