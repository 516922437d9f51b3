//! Private keys as PKCS#8 (RFC 5958), in memory that is wiped.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::{
    error::ErrorStack,
    pkey::{PKey, Private},
};
use zeroize::Zeroizing;

use super::{
    der,
    material::{self, Material},
};
use crate::{
    error::{Error, Result},
    jose::{Algorithm, KeyFamily},
};

/// `PrivateKeyInfo` of a key.
pub(super) fn pkcs8(material: &Material, family: KeyFamily) -> Result<Zeroizing<Vec<u8>>> {
    let Material { key, seed, bound_to } = material;
    let failed = |error: ErrorStack| Error::internal("the key cannot be written").because(error);
    let oid = |oid: &[u8]| der::value(der::OID, &[oid]);
    let sequence = |parts: &[&[u8]]| der::value(der::SEQUENCE, parts);
    let (identifier, private) = match family {
        KeyFamily::Rsa => (rsa_identifier(bound_to), rsa(key).map_err(failed)?),
        KeyFamily::Ed25519 => {
            let seed = seed.as_ref().map_or(&[][..], |seed| &seed[..]);
            (sequence(&[&oid(der::ED25519)]), der::value(der::OCTET_STRING, &[seed]))
        }
        family => {
            let curve = match family {
                KeyFamily::P256 => der::P256,
                KeyFamily::P384 => der::P384,
                _ => der::P521,
            };
            let length = family.curve().map_or(0, |(_, length)| length);
            let private = sec1(key, length).map_err(failed)?;
            (sequence(&[&oid(der::EC), &oid(curve)]), private)
        }
    };
    let private = der::value(der::OCTET_STRING, &[&private]);
    Ok(sequence(&[&der::integer(&[]), &identifier, &private]))
}

/// A PEM block.
pub(super) fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let mut letters = Zeroizing::new(vec![0; der.len().div_ceil(3) * 4]);
    let length = STANDARD.encode_slice(der, &mut letters).unwrap_or_default();
    // Allocated once: growing would leave unwiped copies behind.
    let mut text = Zeroizing::new(String::with_capacity(length + length / 64 + 2 * label.len() + 40));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    for line in letters[..length].chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap_or_default());
        text.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    text
}

/// The identifier of RSA, or of RSASSA-PSS with the one hash that the key is bound to (RFC 4055 §3.1), or with any.
///
/// The hash is the mask's too, and the salt is as long (RFC 7518 §3.5).
fn rsa_identifier(bound_to: &[Algorithm]) -> Zeroizing<Vec<u8>> {
    let oid = |oid: &[&[u8]]| der::value(der::OID, oid);
    let sequence = |parts: &[&[u8]]| der::value(der::SEQUENCE, parts);
    let (hash, salt) = match bound_to {
        [] => return sequence(&[&oid(&[der::RSA]), &der::value(der::NULL, &[])]),
        [Algorithm::Ps256] => (1, 32),
        [Algorithm::Ps384] => (2, 48),
        [Algorithm::Ps512] => (3, 64),
        _ => return sequence(&[&oid(&[der::RSASSA_PSS])]),
    };
    let hash = sequence(&[&oid(&[der::SHA2, &[hash]])]);
    let mask = sequence(&[&oid(&[der::MGF1]), &hash]);
    let parameters = sequence(&[
        &der::value(0xa0, &[&hash]),
        &der::value(0xa1, &[&mask]),
        &der::value(0xa2, &[&der::integer(&[salt])]),
    ]);
    sequence(&[&oid(&[der::RSASSA_PSS]), &parameters])
}

/// `RSAPrivateKey` (RFC 8017 §A.1.2).
fn rsa(key: &PKey<Private>) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let rsa = key.rsa()?;
    let numbers =
        [Some(rsa.n()), Some(rsa.e()), Some(rsa.d()), rsa.p(), rsa.q(), rsa.dmp1(), rsa.dmq1(), rsa.iqmp()];
    let mut written = vec![der::integer(&[])];
    for number in numbers.into_iter().flatten() {
        written.push(der::integer(&material::bytes(number)));
    }
    let parts: Vec<&[u8]> = written.iter().map(|number| number.as_slice()).collect();
    Ok(der::value(der::SEQUENCE, &parts))
}

/// `ECPrivateKey` (RFC 5915 §3), its curve being named outside.
fn sec1(key: &PKey<Private>, length: usize) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    use openssl::{bn::BigNumContext, ec::PointConversionForm};

    let key = key.ec_key()?;
    let d = der::value(der::OCTET_STRING, &[&material::padded(key.private_key(), length)?]);
    let mut context = BigNumContext::new()?;
    let form = PointConversionForm::UNCOMPRESSED;
    let point = key.public_key().to_bytes(key.group(), form, &mut context)?;
    let public = der::value(0xa1, &[&der::value(der::BIT_STRING, &[&[0], &point])]);
    Ok(der::value(der::SEQUENCE, &[&der::integer(&[1]), &d, &public]))
}
