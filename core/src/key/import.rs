//! Private keys from PEM and DER. What is no private key is named for what it is.

use super::{
    der::{self, Reader},
    encrypted,
    material::{self, Material, Point},
};
use crate::{
    error::{Error, ErrorCode, Result},
    jose::{Algorithm, KeyFamily, explicit_curve, unsupported},
    lookalike::{self, Form},
    pem::{self, Block, Contents},
};
use openssl::{
    bn::BigNum,
    pkey::{PKey, Public},
    rsa::Rsa,
    x509::{X509, X509Req},
};

/// Reads the private key of a PEM text.
pub(super) fn pem(bytes: &[u8], password: Option<&str>) -> Result<Material> {
    let not_pem = || {
        lookalike::refused(Form::Pem, "a private key in PEM", bytes, "there is no block from BEGIN to END")
    };
    let text = std::str::from_utf8(bytes).map_err(|_| not_pem())?;
    let inner = pem::unwrapped(text);
    let blocks = pem::blocks(inner.as_deref().map_or(text, String::as_str));
    let private: Vec<_> = blocks.iter().filter(|block| block.label.ends_with("PRIVATE KEY")).collect();
    let block = match private.as_slice() {
        [] => return Err(not_private(&blocks).unwrap_or_else(not_pem)),
        [one] => one,
        _ => {
            let message = "the PEM contains several private keys: pass only the signing key";
            return Err(Error::new(ErrorCode::KeySetAmbiguous, message));
        }
    };
    if block.label == "OPENSSH PRIVATE KEY" {
        let message = "a private key of OpenSSH is not supported: `ssh-keygen -p -m PKCS8 -f FILE` rewrites it as PKCS#8";
        return Err(unknown(message));
    }

    let damaged = || unknown(&format!("the PEM block {} is damaged", block.shown()));
    let Contents { dek_info, der } = block.contents().ok_or_else(damaged)?;
    if let Some(cipher) = dek_info {
        let der = encrypted::open_old(&cipher, &der, password.ok_or_else(password_missing)?)?;
        return private_key(&der)?.ok_or_else(encrypted::wrong_password);
    }
    if block.label == "ENCRYPTED PRIVATE KEY" {
        if !encrypted::is_encrypted(&der) {
            return Err(damaged());
        }
        let der = encrypted::open(&der, password.ok_or_else(password_missing)?)?;
        return private_key(&der)?.ok_or_else(encrypted::wrong_password);
    }
    private_key(&der)?.ok_or_else(damaged)
}

/// Reads a private key in DER.
pub(super) fn der(bytes: &[u8], password: Option<&str>) -> Result<Material> {
    let der = without_line_end(bytes);
    if let Some(key) = private_key(der)? {
        return Ok(key);
    }
    if encrypted::is_encrypted(der) {
        let der = encrypted::open(der, password.ok_or_else(password_missing)?)?;
        return private_key(&der)?.ok_or_else(encrypted::wrong_password);
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
    if Reader::new(der).take(der::SEQUENCE).is_some() && Reader::only(der, der::SEQUENCE).is_none() {
        return Err(unknown("bytes follow the end of the DER value"));
    }
    let forms = "not a DER private key (expected PKCS#8, PKCS#1 or SEC1), or truncated";
    Err(lookalike::refused(Form::Der, "a private key in DER", bytes, forms))
}

/// A DER value without the newline that editors and shells add. Bytes after its end can mean nothing else.
fn without_line_end(bytes: &[u8]) -> &[u8] {
    let mut rest = Reader::new(bytes);
    match rest.take(der::SEQUENCE) {
        Some(_) if [&b"\n"[..], b"\r\n"].contains(&rest.rest()) => &bytes[..bytes.len() - rest.rest().len()],
        _ => bytes,
    }
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
            None if parameters.peek() == Some(der::SEQUENCE) => Err(explicit_curve()),
            None => Err(unsupported("an elliptic curve key that does not name its curve")),
        },
        der::ED25519 => {
            let mut inner = Reader::new(key);
            match inner.take(der::OCTET_STRING).filter(|d| d.len() == 32 && inner.is_empty()) {
                Some(d) => material::ed25519(d, public).map(Some),
                None => Ok(None),
            }
        }
        other => Err(unsupported(der::name_of_algorithm(other))),
    }
}

/// The algorithms that the parameters of an RSASSA-PSS key allow (RFC 4055 §3.1): those with one hash, or all.
fn pss_algorithms(mut identifier: Reader<'_>) -> Result<&'static [Algorithm]> {
    if identifier.is_empty() {
        return Ok(&[Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512]);
    }
    let hash =
        |mut identifier: Reader<'_>| identifier.take(der::OID)?.strip_prefix(der::SHA2)?.first().copied();
    let mut read = || {
        let mut parameters = identifier.enter(der::SEQUENCE)?;
        let own = hash(parameters.enter(0xa0)?.enter(der::SEQUENCE)?)?;
        let mut mask = parameters.enter(0xa1)?.enter(der::SEQUENCE)?;
        let of_mask = (mask.take(der::OID)? == der::MGF1).then(|| mask.enter(der::SEQUENCE)).flatten()?;
        // Twenty bytes where nothing else is said.
        let least_salt = match parameters.enter(0xa2) {
            Some(mut salt) => salt.number()?,
            None => 20,
        };
        (hash(of_mask)? == own).then_some((own, least_salt))
    };
    // RFC 7518 §3.5: the mask has the hash of the signature, and the salt is as long as the hash.
    match read() {
        Some((1, ..=32)) => Ok(&[Algorithm::Ps256]),
        Some((2, ..=48)) => Ok(&[Algorithm::Ps384]),
        Some((3, ..=64)) => Ok(&[Algorithm::Ps512]),
        _ => Err(unsupported(
            "an RSASSA-PSS key restricted to parameters other than those of PS256, PS384 or PS512",
        )),
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
    if outside.is_none() && named.is_some_and(|named| Reader::new(named).peek() == Some(der::SEQUENCE)) {
        return Err(explicit_curve());
    }
    let named = named.and_then(|named| Reader::new(named).take(der::OID));
    let family = match outside.map(|(curve, _)| curve).or(named) {
        Some(der::P256) => KeyFamily::P256,
        Some(der::P384) => KeyFamily::P384,
        Some(der::P521) => KeyFamily::P521,
        Some(other) => return Err(unsupported(der::name_of_curve(other))),
        None => return Err(unsupported("an elliptic curve key that does not name its curve")),
    };
    let public = public.or(outside.and_then(|(_, public)| public));
    let point = public.map_or(Point::Missing, Point::Encoded);
    material::curve(family, d, &point).map(Some)
}

/// The bytes of a bit string whose bits fill them.
fn whole_bits(contents: &[u8]) -> Option<&[u8]> {
    contents.split_first().filter(|(unused, _)| **unused == 0).map(|(_, bytes)| bytes)
}

/// What the blocks of a PEM text are that holds no private key; `None` where there are none.
fn not_private(blocks: &[Block<'_>]) -> Option<Error> {
    let block = blocks.iter().find(|block| block.label != "EC PARAMETERS").or(blocks.first())?;
    Some(match block.label {
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" | "PKCS7" => certificate(),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => certificate_request(),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => public(),
        "PGP PRIVATE KEY BLOCK" => unknown("an OpenPGP key, which cannot sign SETs"),
        _ => unknown(&format!("the PEM contains a block {}, but no private key", block.shown())),
    })
}

fn unknown(message: &str) -> Error {
    Error::new(ErrorCode::KeyFormatUnknown, message)
}

/// RFC 7518 §3.3.
pub(super) fn too_short(bits: i32) -> Error {
    let message = format!("the RSA key has {bits} bits; the minimum is 2048");
    Error::new(ErrorCode::KeyRsaTooShort, message)
}

fn password_missing() -> Error {
    Error::new(ErrorCode::KeyPasswordMissing, "the key is encrypted; pass its password")
}

fn certificate() -> Error {
    Error::new(ErrorCode::KeyIsCertificate, "a certificate, not a private key")
}

fn certificate_request() -> Error {
    Error::new(ErrorCode::KeyIsCertificate, "a certificate request, not a private key")
}

fn public() -> Error {
    Error::new(ErrorCode::KeyIsPublic, "a public key, not a private one")
}
