//! Private keys from PEM and DER. What is no private key is named for what it is.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::{
    bn::BigNum,
    pkey::{PKey, Public},
    rsa::Rsa,
    x509::{X509, X509Req},
};
use zeroize::Zeroizing;

use super::{
    der::{self, Reader},
    encrypted,
    material::{self, Material, Point},
};
use crate::{
    error::{Error, ErrorCode, Result},
    jose::{Algorithm, KeyFamily},
};

/// Reads the private key of a PEM text.
pub(super) fn pem(pem: &[u8], password: Option<&str>) -> Result<Material> {
    let text = std::str::from_utf8(pem).map_err(|_| unknown("this is no PEM: it is no text"))?;
    let blocks = blocks(text);
    let private: Vec<_> = blocks.iter().filter(|(label, _)| label.ends_with("PRIVATE KEY")).collect();
    let (label, block) = match private.as_slice() {
        [] => return Err(not_private(&blocks)),
        [one] => one,
        _ => {
            let message = "the PEM holds several private keys; give one";
            return Err(Error::new(ErrorCode::KeySetAmbiguous, message));
        }
    };
    if *label == "OPENSSH PRIVATE KEY" {
        let message = "an OpenSSH key cannot be read; `ssh-keygen -p -m PKCS8` rewrites it as PKCS#8";
        return Err(unknown(message));
    }

    let damaged = || unknown(&format!("the PEM block {label} is damaged"));
    let (headers, body) = split_headers(block);
    let der = decode(body).ok_or_else(damaged)?;
    if let Some(cipher) = headers.iter().find_map(|line| line.strip_prefix("DEK-Info:")) {
        let der = encrypted::open_old(cipher.trim(), &der, password.ok_or_else(password_missing)?)?;
        return private_key(&der)?.ok_or_else(encrypted::wrong_password);
    }
    if *label == "ENCRYPTED PRIVATE KEY" {
        if !encrypted::is_encrypted(&der) {
            return Err(damaged());
        }
        let der = encrypted::open(&der, password.ok_or_else(password_missing)?)?;
        return private_key(&der)?.ok_or_else(encrypted::wrong_password);
    }
    private_key(&der)?.ok_or_else(damaged)
}

/// Reads a private key in DER.
pub(super) fn der(der: &[u8], password: Option<&str>) -> Result<Material> {
    if let Some(key) = private_key(der)? {
        return Ok(key);
    }
    if encrypted::is_encrypted(der) {
        let der = encrypted::open(der, password.ok_or_else(password_missing)?)?;
        return private_key(&der)?.ok_or_else(encrypted::wrong_password);
    }
    if Reader::new(der).take(der::SEQUENCE).is_some() && Reader::only(der, der::SEQUENCE).is_none() {
        return Err(unknown("bytes follow the end of the DER value"));
    }
    if X509::from_der(der).is_ok() {
        return Err(certificate());
    }
    if X509Req::from_der(der).is_ok() {
        return Err(certificate_request());
    }
    if PKey::<Public>::public_key_from_der(der).is_ok() || Rsa::public_key_from_der_pkcs1(der).is_ok() {
        return Err(public());
    }
    if der.starts_with(b"-----BEGIN") {
        return Err(unknown("this is PEM, not DER"));
    }
    Err(unknown("this is no key in DER: neither PKCS#8 nor PKCS#1 nor SEC1"))
}

/// A private key that is not encrypted: PKCS#8, PKCS#1 or SEC1, by its outline; `None` if it is none of them.
fn private_key(bytes: &[u8]) -> Result<Option<Material>> {
    let Some(outline) = Reader::only(bytes, der::SEQUENCE) else {
        return Ok(None);
    };
    let mut inside = outline;
    let Some(version) = inside.number() else {
        return Ok(None);
    };
    match (inside.peek(), version) {
        (Some(der::SEQUENCE), 0 | 1) => pkcs8(inside),
        (Some(der::INTEGER), 0) => rsa(outline),
        (Some(der::INTEGER), 1) => Err(unsupported("an RSA key with more than two primes")),
        (Some(der::OCTET_STRING), 1) => sec1(outline, None),
        _ => Ok(None),
    }
}

/// `PrivateKeyInfo` (RFC 5208 §5), or `OneAsymmetricKey` with the public key (RFC 5958 §2), after the version.
fn pkcs8(mut inside: Reader<'_>) -> Result<Option<Material>> {
    let mut outline = || {
        let mut identifier = inside.enter(der::SEQUENCE)?;
        let algorithm = identifier.take(der::OID)?;
        Some((algorithm, identifier, inside.take(der::OCTET_STRING)?))
    };
    let Some((algorithm, mut parameters, key)) = outline() else {
        return Ok(None);
    };
    // Attributes, which say nothing of the key, and the public key as a bit string without its tag.
    let _ = inside.take(0xa0);
    let public = inside.take(0x81).and_then(whole_bits);
    if !inside.is_empty() {
        return Ok(None);
    }

    let inner = |bytes| Reader::only(bytes, der::SEQUENCE);
    match algorithm {
        der::RSA => inner(key).map_or(Ok(None), rsa),
        der::RSASSA_PSS => {
            let bound_to = pss_algorithms(parameters)?;
            Ok(inner(key).map_or(Ok(None), rsa)?.map(|key| Material { bound_to, ..key }))
        }
        der::EC => match parameters.take(der::OID) {
            Some(curve) => inner(key).map_or(Ok(None), |key| sec1(key, Some((curve, public)))),
            None => Err(unsupported("this elliptic curve")),
        },
        der::ED25519 => {
            let mut inner = Reader::new(key);
            match inner.take(der::OCTET_STRING).filter(|d| d.len() == 32 && inner.is_empty()) {
                Some(d) => material::ed25519(d, public).map(Some),
                None => Ok(None),
            }
        }
        // 1.3.101.110 to 113, but for the one above.
        [0x2b, 0x65, 0x6e | 0x6f] => Err(unsupported("a key-agreement curve (X25519, X448)")),
        [0x2b, 0x65, 0x71] => Err(unsupported("Ed448")),
        _ => Err(unsupported("this type of key")),
    }
}

/// The algorithms that the parameters of an RSASSA-PSS key allow (RFC 4055 §3.1): those with one hash, or all.
fn pss_algorithms(mut identifier: Reader<'_>) -> Result<&'static [Algorithm]> {
    if identifier.is_empty() {
        return Ok(&[Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512]);
    }
    let hash = identifier
        .enter(der::SEQUENCE)
        .and_then(|mut parameters| parameters.enter(0xa0))
        .and_then(|mut tagged| tagged.enter(der::SEQUENCE))
        .and_then(|mut hash| hash.take(der::OID))
        .and_then(|oid| oid.strip_prefix(der::SHA2));
    match hash {
        Some([1]) => Ok(&[Algorithm::Ps256]),
        Some([2]) => Ok(&[Algorithm::Ps384]),
        Some([3]) => Ok(&[Algorithm::Ps512]),
        _ => Err(unsupported("an RSASSA-PSS key that is bound to this hash")),
    }
}

/// `RSAPrivateKey` (RFC 8017 §A.1.2).
#[allow(clippy::many_single_char_names, reason = "the names of RFC 8017 §3")]
fn rsa(mut inside: Reader<'_>) -> Result<Option<Material>> {
    let mut numbers = || -> Option<_> {
        let (_version, n, e) = (inside.number()?, inside.unsigned()?, inside.unsigned()?);
        let mut private = || inside.unsigned();
        let private = [private()?, private()?, private()?, private()?, private()?, private()?];
        inside.is_empty().then_some((n, e, private))
    };
    let Some((n, e, [d, p, q, dp, dq, qi])) = numbers() else {
        return Ok(None);
    };
    let public = |bytes: &[u8]| BigNum::from_slice(bytes).map_err(material::inconsistent);
    let (n, e) = (public(n)?, public(e)?);
    if n.num_bits() < 2048 {
        return Err(too_short(n.num_bits()));
    }
    let secret = material::secret_number;
    let private = [secret(d)?, secret(p)?, secret(q)?, secret(dp)?, secret(dq)?, secret(qi)?];
    material::rsa(n, e, private).map(Some)
}

/// `ECPrivateKey` (RFC 5915 §3). In PKCS#8 the curve stands outside, and the public key may too.
fn sec1(mut inside: Reader<'_>, outside: Option<(&[u8], Option<&[u8]>)>) -> Result<Option<Material>> {
    let mut parts = || -> Option<_> {
        let (_version, d) = (inside.number()?, inside.take(der::OCTET_STRING)?);
        let named = inside.take(0xa0);
        let public =
            inside.enter(0xa1).and_then(|mut tagged| tagged.take(der::BIT_STRING)).and_then(whole_bits);
        inside.is_empty().then_some((d, named, public))
    };
    let Some((d, named, public)) = parts() else {
        return Ok(None);
    };
    let named = named.and_then(|named| Reader::new(named).take(der::OID));
    let family = match outside.map(|(curve, _)| curve).or(named) {
        Some(der::P256) => KeyFamily::P256,
        Some(der::P384) => KeyFamily::P384,
        Some(der::P521) => KeyFamily::P521,
        _ => return Err(unsupported("this elliptic curve")),
    };
    let public = public.or(outside.and_then(|(_, public)| public));
    let point = public.map_or(Point::Missing, Point::Encoded);
    material::curve(family, d, &point).map(Some)
}

/// The bytes of a bit string whose bits fill them.
fn whole_bits(contents: &[u8]) -> Option<&[u8]> {
    contents.split_first().filter(|(unused, _)| **unused == 0).map(|(_, bytes)| bytes)
}

/// The blocks of a PEM text: label, and what stands between its lines.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find("-----BEGIN ") {
        rest = &rest[begin + "-----BEGIN ".len()..];
        let Some((label, after)) = rest.split_once("-----") else {
            break;
        };
        let end = format!("-----END {label}-----");
        let Some((inside, after)) = after.split_once(&end) else {
            break;
        };
        blocks.push((label, inside));
        rest = after;
    }
    blocks
}

/// The header lines of an old PEM block (RFC 1421 §4.4), and its body.
fn split_headers(block: &str) -> (Vec<&str>, &str) {
    let normal = block.trim_start();
    let mut headers = Vec::new();
    let mut rest = normal;
    while let Some((line, after)) = rest.split_once('\n') {
        if !line.contains(':') {
            break;
        }
        headers.push(line.trim_end());
        rest = after;
    }
    (headers, rest)
}

/// The bytes of the body of a PEM block, wiped.
fn decode(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    // Allocated once each: growing would leave unwiped copies behind.
    let mut letters = Zeroizing::new(Vec::with_capacity(body.len()));
    letters.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(vec![0; letters.len() / 4 * 3 + 3]);
    let length = STANDARD.decode_slice(&*letters, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// Why a PEM text without a private key is none.
fn not_private(blocks: &[(&str, &str)]) -> Error {
    match blocks.iter().map(|(label, _)| *label).find(|label| *label != "EC PARAMETERS") {
        Some("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" | "PKCS7") => certificate(),
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => certificate_request(),
        Some("PUBLIC KEY" | "RSA PUBLIC KEY") => public(),
        Some(label) => unknown(&format!("the PEM holds {label}, no private key")),
        None => unknown("this is no PEM: no complete block from BEGIN to END"),
    }
}

fn unknown(message: &str) -> Error {
    Error::new(ErrorCode::KeyFormatUnknown, message)
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorCode::KeyTypeUnsupported, format!("{what} cannot sign SETs here"))
}

/// RFC 7518 §3.3.
pub(super) fn too_short(bits: i32) -> Error {
    let message = format!("the RSA key has {bits} bits; 2048 is the least");
    Error::new(ErrorCode::KeyRsaTooShort, message)
}

fn password_missing() -> Error {
    Error::new(ErrorCode::KeyPasswordMissing, "the key is encrypted; give its password")
}

fn certificate() -> Error {
    Error::new(ErrorCode::KeyIsCertificate, "this is a certificate, not a private key")
}

fn certificate_request() -> Error {
    Error::new(ErrorCode::KeyIsCertificate, "this is a certificate request, not a private key")
}

fn public() -> Error {
    Error::new(ErrorCode::KeyIsPublic, "this is a public key, not a private one")
}
