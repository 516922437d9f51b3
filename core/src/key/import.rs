//! Private keys from PEM and DER. What is no private key is named for what it is.

use openssl::{
    pkey::{PKey, Public},
    rsa::Rsa,
    x509::{X509, X509Req},
};
use pkcs8::der::{Decode as _, asn1::SequenceRef};

use super::{der::private_key, encrypted, material::Material};
use crate::{
    error::{Error, ErrorCode, Result},
    lookalike::{self, Form},
    pem::{self, Block, Contents},
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
    if rest(der).is_some_and(|rest| !rest.is_empty()) {
        return Err(unknown("bytes follow the end of the DER value"));
    }
    let forms = "not a DER private key (expected PKCS#8, PKCS#1 or SEC1), or truncated";
    Err(lookalike::refused(Form::Der, "a private key in DER", bytes, forms))
}

/// A DER value without the newline that editors and shells add. Bytes after its end can mean nothing else.
fn without_line_end(bytes: &[u8]) -> &[u8] {
    match rest(bytes) {
        Some(rest @ (b"\n" | b"\r\n")) => &bytes[..bytes.len() - rest.len()],
        _ => bytes,
    }
}

/// What follows a DER value.
fn rest(bytes: &[u8]) -> Option<&[u8]> {
    <&SequenceRef>::from_der_partial(bytes).ok().map(|(_, rest)| rest)
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
