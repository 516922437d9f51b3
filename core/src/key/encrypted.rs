//! Encrypted private keys: PKCS#8 (RFC 5958 §3) by PBES2 (RFC 8018 §6.2), and older forms for reading.
//!
//! The ciphers and derivations are OpenSSL's. Its reader of whole encrypted keys leaves the decrypted key in memory.

use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    pkcs5,
    symm::{Cipher, Crypter, Mode},
};
use zeroize::Zeroizing;

use super::der::{self, Reader};
use crate::{
    error::{Error, ErrorCode, Result},
    random,
};

/// 1.2.840.113549.1.5, PKCS#5.
const PKCS5: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05];
/// 1.2.840.113549.1.5.12 and 13.
const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c];
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
/// 1.2.840.113549.1.12, PKCS#12: known, and not supported.
const PKCS12: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c];
/// 1.3.6.1.4.1.11591.4.11, scrypt (RFC 7914 §7).
const SCRYPT: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b];
/// 1.2.840.113549.2, without the last arc: 7 to 11 are HMAC with SHA-1 and SHA-2.
const HMAC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02];
const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x09];
/// 1.2.840.113549.3.7, 3DES in CBC mode.
const DES_EDE3_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03, 0x07];
/// 2.16.840.1.101.3.4.1, AES, without the last arc.
const AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];

/// Rounds of PBKDF2 with SHA-256 for keys that are written here, as OWASP advises.
const ROUNDS: u32 = 600_000;
/// Memory that scrypt may take: 64 times what `openssl pkcs8 -scrypt` asks for.
const SCRYPT_MEMORY: u64 = 1 << 30;

/// Whether this is an `EncryptedPrivateKeyInfo`: a whole one, by PKCS#5 or PKCS#12.
pub(super) fn is_encrypted(bytes: &[u8]) -> bool {
    let outline = || {
        let mut inside = Reader::only(bytes, der::SEQUENCE)?;
        let scheme = inside.enter(der::SEQUENCE)?.take(der::OID)?;
        inside.take(der::OCTET_STRING)?;
        Some(inside.is_empty() && (scheme.starts_with(PKCS5) || scheme.starts_with(PKCS12)))
    };
    outline().unwrap_or(false)
}

/// Decrypts an `EncryptedPrivateKeyInfo`.
pub(super) fn open(bytes: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>> {
    let outline = || {
        let mut inside = Reader::only(bytes, der::SEQUENCE)?;
        let mut identifier = inside.enter(der::SEQUENCE)?;
        let scheme = identifier.take(der::OID)?;
        Some((scheme, identifier.enter(der::SEQUENCE)?, inside.take(der::OCTET_STRING)?))
    };
    let Some((scheme, parameters, data)) = outline() else {
        return Err(unsupported());
    };
    let key = if scheme == PBES2 { pbes2(parameters, password)? } else { None };
    let (cipher, key, iv) = key.ok_or_else(unsupported)?;
    crypt(Mode::Decrypt, cipher, &key, &iv, data).map_err(|_| wrong_password())
}

/// Decrypts the body of a PEM block with a `DEK-Info` header, as OpenSSL wrote it before PKCS#8.
pub(super) fn open_old(dek_info: &str, data: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>> {
    let (name, iv) = dek_info.split_once(',').ok_or_else(unsupported)?;
    let cipher = match name {
        "AES-128-CBC" => Cipher::aes_128_cbc(),
        "AES-192-CBC" => Cipher::aes_192_cbc(),
        "AES-256-CBC" => Cipher::aes_256_cbc(),
        "DES-EDE3-CBC" => Cipher::des_ede3_cbc(),
        _ => return Err(unsupported()),
    };
    let hex = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    let iv: Option<Vec<u8>> = iv.trim().as_bytes().chunks(2).map(hex).collect();
    let iv = iv.filter(|iv| Some(iv.len()) == cipher.iv_len()).ok_or_else(unsupported)?;
    let derived = pkcs5::bytes_to_key(cipher, MessageDigest::md5(), password.as_bytes(), Some(&iv[..8]), 1);
    let key = Zeroizing::new(derived.map_err(failed)?.key);
    crypt(Mode::Decrypt, cipher, &key, &iv, data).map_err(|_| wrong_password())
}

/// Encrypts a private key with AES-256, the key derived by PBKDF2 with SHA-256.
pub(super) fn seal(pkcs8: &[u8], password: &str) -> Result<Vec<u8>> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    random::fill(&mut salt)?;
    random::fill(&mut iv)?;
    let mut key = Zeroizing::new([0; 32]);
    let rounds = usize::try_from(ROUNDS).unwrap_or(usize::MAX);
    pkcs5::pbkdf2_hmac(password.as_bytes(), &salt, rounds, MessageDigest::sha256(), &mut *key)
        .map_err(failed)?;
    let data = crypt(Mode::Encrypt, Cipher::aes_256_cbc(), &*key, &iv, pkcs8).map_err(failed)?;

    let oid = |oid: &[u8]| der::value(der::OID, &[oid]);
    let sequence = |parts: &[&[u8]]| der::value(der::SEQUENCE, parts);
    let prf = sequence(&[&oid(HMAC_SHA256), &der::value(der::NULL, &[])]);
    let salt = der::value(der::OCTET_STRING, &[&salt]);
    let derivation =
        sequence(&[&oid(PBKDF2), &sequence(&[&salt, &der::integer(&ROUNDS.to_be_bytes()), &prf])]);
    let cipher = sequence(&[&oid(AES_256_CBC), &der::value(der::OCTET_STRING, &[&iv])]);
    let identifier = sequence(&[&oid(PBES2), &sequence(&[&derivation, &cipher])]);
    Ok(sequence(&[&identifier, &der::value(der::OCTET_STRING, &[&data])]).to_vec())
}

/// A cipher, its key and its initialization vector.
type Keyed = (Cipher, Zeroizing<Vec<u8>>, Vec<u8>);

/// Derivation and cipher of PBES2; `None` for those that are not known here.
fn pbes2(mut parameters: Reader<'_>, password: &str) -> Result<Option<Keyed>> {
    let mut outline = || {
        let mut derivation = parameters.enter(der::SEQUENCE)?;
        let mut cipher = parameters.enter(der::SEQUENCE)?;
        let (function, settings) = (derivation.take(der::OID)?, derivation.enter(der::SEQUENCE)?);
        let name = cipher.take(der::OID)?;
        let iv = cipher.take(der::OCTET_STRING)?;
        let cipher = match name.strip_prefix(AES) {
            Some([0x02]) => Cipher::aes_128_cbc(),
            Some([0x16]) => Cipher::aes_192_cbc(),
            Some([0x2a]) => Cipher::aes_256_cbc(),
            _ if name == DES_EDE3_CBC => Cipher::des_ede3_cbc(),
            _ => return None,
        };
        (Some(iv.len()) == cipher.iv_len()).then_some((function, settings, cipher, iv.to_vec()))
    };
    let Some((function, mut settings, cipher, iv)) = outline() else {
        return Ok(None);
    };
    let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
    let Some(salt) = settings.take(der::OCTET_STRING) else {
        return Ok(None);
    };
    let derived = match function {
        PBKDF2 => {
            let rounds = settings.number().and_then(|rounds| usize::try_from(rounds).ok());
            if settings.peek() == Some(der::INTEGER) {
                let _length = settings.number();
            }
            let hash = match settings.enter(der::SEQUENCE).and_then(|mut prf| prf.take(der::OID)) {
                None => Some(MessageDigest::sha1()),
                Some(prf) => match prf.strip_prefix(HMAC) {
                    Some([7]) => Some(MessageDigest::sha1()),
                    Some([8]) => Some(MessageDigest::sha224()),
                    Some([9]) => Some(MessageDigest::sha256()),
                    Some([10]) => Some(MessageDigest::sha384()),
                    Some([11]) => Some(MessageDigest::sha512()),
                    _ => None,
                },
            };
            let (Some(rounds), Some(hash)) = (rounds.filter(|rounds| *rounds > 0), hash) else {
                return Ok(None);
            };
            pkcs5::pbkdf2_hmac(password.as_bytes(), salt, rounds, hash, &mut key)
        }
        SCRYPT => {
            let (Some(n), Some(r), Some(p)) = (settings.number(), settings.number(), settings.number())
            else {
                return Ok(None);
            };
            pkcs5::scrypt(password.as_bytes(), salt, n, r, p, SCRYPT_MEMORY, &mut key)
        }
        _ => return Ok(None),
    };
    derived.map_err(|_| unsupported())?;
    Ok(Some((cipher, key, iv)))
}

fn crypt(
    mode: Mode,
    cipher: Cipher,
    key: &[u8],
    iv: &[u8],
    data: &[u8],
) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let mut out = Zeroizing::new(vec![0; data.len() + cipher.block_size()]);
    let mut crypter = Crypter::new(cipher, mode, key, Some(iv))?;
    let mut length = crypter.update(data, &mut out)?;
    length += crypter.finalize(&mut out[length..])?;
    out.truncate(length);
    Ok(out)
}

/// What a wrong password gives: no padding, or no key.
pub(super) fn wrong_password() -> Error {
    Error::new(ErrorCode::KeyPasswordWrong, "the password does not decrypt the key")
}

fn unsupported() -> Error {
    let message = "the key is encrypted in a way that is not supported; \
        `openssl pkcs8 -topk8 -v2 aes-256-cbc` rewrites it";
    Error::new(ErrorCode::KeyFormatUnknown, message)
}

fn failed(error: ErrorStack) -> Error {
    Error::internal("OpenSSL could not derive a key").because(error)
}
