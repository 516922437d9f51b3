//! Private keys from PEM and DER, read by OpenSSL. What is no private key is named for what it is.

use openssl::{
    pkey::{Id, PKey, Private, Public},
    rsa::Rsa,
    x509::{X509, X509Req},
};
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorCode, Result},
    jose::Algorithm,
};

/// Reads the private key of a PEM text.
pub(super) fn pem(pem: &[u8], password: Option<&str>) -> Result<PKey<Private>> {
    let text = std::str::from_utf8(pem).map_err(|_| unknown("this is no PEM: it is no text"))?;
    let labels = labels(text);
    let private: Vec<_> = labels
        .iter()
        .filter(|(label, _)| label.ends_with("PRIVATE KEY"))
        .collect();
    let (label, block) = match private.as_slice() {
        [] => return Err(not_private(&labels)),
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

    let encrypted = *label == "ENCRYPTED PRIVATE KEY" || block.contains("Proc-Type: 4,ENCRYPTED");
    match (encrypted, password) {
        (true, None) => Err(password_missing()),
        (true, Some(password)) => {
            PKey::private_key_from_pem_passphrase(block.as_bytes(), password.as_bytes())
                .map_err(|_| decryption_failed(block))
        }
        // The callback keeps OpenSSL from asking at the terminal.
        (false, _) => PKey::private_key_from_pem_callback(block.as_bytes(), |_| Ok(0))
            .map_err(|_| unknown(&format!("the PEM block {label} is damaged"))),
    }
}

/// Reads a private key in DER.
pub(super) fn der(der: &[u8], password: Option<&str>) -> Result<PKey<Private>> {
    // OpenSSL reads past them.
    if split(der, 0x30).is_some_and(|(_, rest)| !rest.is_empty()) {
        return Err(unknown("bytes follow the end of the DER value"));
    }
    if let Ok(key) = PKey::private_key_from_der(der) {
        return Ok(key);
    }
    if looks_encrypted(der) {
        let Some(password) = password else {
            return Err(password_missing());
        };
        return PKey::private_key_from_pkcs8_passphrase(der, password.as_bytes())
            .map_err(|_| password_wrong());
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
    Err(unknown(
        "this is no key in DER: neither PKCS#8 nor PKCS#1 nor SEC1",
    ))
}

/// The algorithms that the key itself is bound to, the default first; none: any that fit its type.
///
/// An RSASSA-PSS key signs with PSS only, and only with the hash in its parameters, if it has any (RFC 4055 §1.2).
pub(super) fn algorithms_of(key: &PKey<Private>) -> Result<&'static [Algorithm]> {
    if key.id() != Id::RSA_PSS {
        return Ok(&[]);
    }
    // The hash that the key is restricted to stands in its parameters, by its identifier (2.16.840.1.101.3.4.2.x).
    let der = key
        .public_key_to_der()
        .map_err(|error| Error::internal("no public key").because(error))?;
    let sha2 = [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
    let hash = der
        .windows(sha2.len() + 1)
        .find(|window| window.starts_with(&sha2))
        .map(|window| window[sha2.len()]);
    Ok(match hash {
        Some(1) => &[Algorithm::Ps256],
        Some(2) => &[Algorithm::Ps384],
        Some(3) => &[Algorithm::Ps512],
        _ => &[Algorithm::Ps256, Algorithm::Ps384, Algorithm::Ps512],
    })
}

/// The blocks of a PEM text: label, and the block itself.
fn labels(text: &str) -> Vec<(&str, &str)> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find("-----BEGIN ") {
        rest = &rest[begin..];
        let Some((label, _)) = rest["-----BEGIN ".len()..].split_once("-----") else {
            break;
        };
        let end = format!("-----END {label}-----");
        let Some(length) = rest.find(&end).map(|at| at + end.len()) else {
            break;
        };
        blocks.push((label, &rest[..length]));
        rest = &rest[length..];
    }
    blocks
}

/// Why a PEM text without a private key is none.
fn not_private(labels: &[(&str, &str)]) -> Error {
    match labels
        .iter()
        .map(|(label, _)| *label)
        .find(|label| *label != "EC PARAMETERS")
    {
        Some("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" | "PKCS7") => certificate(),
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => certificate_request(),
        Some("PUBLIC KEY" | "RSA PUBLIC KEY") => public(),
        Some(label) => unknown(&format!("the PEM holds {label}, no private key")),
        None => unknown("this is no PEM: no complete block from BEGIN to END"),
    }
}

/// A password that does not fit and a damaged block look alike to OpenSSL; the outline of the block tells them apart.
fn decryption_failed(block: &str) -> Error {
    let body: String = block
        .lines()
        .filter(|line| !line.starts_with("-----") && !line.contains(':'))
        .collect();
    let damaged = openssl::base64::decode_block(&body)
        .map(Zeroizing::new)
        .map_or(true, |der| {
            block.contains("ENCRYPTED PRIVATE KEY") && !looks_encrypted(&der)
        });
    if damaged {
        unknown("the encrypted PEM block is damaged")
    } else {
        password_wrong()
    }
}

/// `EncryptedPrivateKeyInfo` (RFC 5958 §3): a sequence that starts with an algorithm identifier of PKCS#5 or PKCS#12.
fn looks_encrypted(der: &[u8]) -> bool {
    let Some(outer) = contents(der, 0x30) else {
        return false;
    };
    let Some(identifier) = contents(outer, 0x30) else {
        return false;
    };
    let families: [&[u8]; 2] = [
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05],
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c],
    ];
    contents(identifier, 0x06).is_some_and(|oid| families.iter().any(|family| oid.starts_with(family)))
        && X509Req::from_der(der).is_err()
}

/// The contents of the DER value at the start of `der`, if it has this tag.
fn contents(der: &[u8], tag: u8) -> Option<&[u8]> {
    split(der, tag).map(|(contents, _)| contents)
}

/// The contents of the DER value at the start of `der`, if it has this tag, and what follows it.
fn split(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = if length < 0x80 {
        (usize::from(length), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
        (
            bytes.iter().try_fold(0_usize, |sum, byte| {
                sum.checked_mul(256)?.checked_add(usize::from(*byte))
            })?,
            rest,
        )
    };
    (first == tag).then(|| rest.split_at_checked(length))?
}

fn unknown(message: &str) -> Error {
    Error::new(ErrorCode::KeyFormatUnknown, message)
}

fn password_missing() -> Error {
    Error::new(
        ErrorCode::KeyPasswordMissing,
        "the key is encrypted; give its password",
    )
}

fn password_wrong() -> Error {
    Error::new(ErrorCode::KeyPasswordWrong, "the password does not open the key")
}

fn certificate() -> Error {
    Error::new(
        ErrorCode::KeyIsCertificate,
        "this is a certificate, not a private key",
    )
}

fn certificate_request() -> Error {
    Error::new(
        ErrorCode::KeyIsCertificate,
        "this is a certificate request, not a private key",
    )
}

fn public() -> Error {
    Error::new(ErrorCode::KeyIsPublic, "this is a public key, not a private one")
}
