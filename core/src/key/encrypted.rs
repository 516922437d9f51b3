//! Encrypted private keys: PKCS#8 (RFC 5958 §3) by PBES2 (RFC 8018 §6.2), and older forms for reading.
//!
//! The ciphers and derivations are OpenSSL's. Its reader of whole encrypted keys leaves the decrypted key in memory.

use const_oid::{
    ObjectIdentifier,
    db::{rfc5911::DES_EDE_3_CBC, rfc7292::PKCS_12},
};
use openssl::{
    error::ErrorStack,
    hash::MessageDigest,
    pkcs5,
    symm::{Cipher, Crypter, Mode},
};
use pkcs8::{
    AlgorithmIdentifierRef, EncryptedPrivateKeyInfoRef,
    der::{
        self, Decode as _, Encode as _, Reader as _,
        asn1::{AnyRef, OctetStringRef},
    },
    pkcs5::pbes2::{
        AES_128_CBC_OID, AES_192_CBC_OID, AES_256_CBC_OID, PBES2_OID, PBKDF2_OID, Parameters, Pbkdf2Prf,
        SCRYPT_OID,
    },
};
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorCode, Result, Source},
    random,
};

const PKCS_5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5");

/// Rounds of PBKDF2 with SHA-256 for keys that are written here, as OWASP advises.
const ROUNDS: u32 = 600_000;
/// Rounds that a key may ask for: seconds of work. The four billion that fit into it would take hours.
const MOST_ROUNDS: u32 = 10_000_000;
/// Memory that scrypt may take: 64 times what `openssl pkcs8 -scrypt` asks for.
const SCRYPT_MEMORY: u64 = 1 << 30;
/// Work that scrypt may take, as `N · r · p`: once all of the memory, which is `128 · N · r` bytes.
const SCRYPT_WORK: u64 = SCRYPT_MEMORY / 128;

/// Whether this is an `EncryptedPrivateKeyInfo`: a whole one, by PKCS#5 or PKCS#12.
pub(super) fn is_encrypted(bytes: &[u8]) -> bool {
    outline(bytes).is_ok_and(|(scheme, _)| scheme.oid.starts_with(PKCS_5) || scheme.oid.starts_with(PKCS_12))
}

/// Decrypts an `EncryptedPrivateKeyInfo`.
pub(super) fn open(bytes: &[u8], password: &str) -> Result<Zeroizing<Vec<u8>>> {
    let (scheme, data) = outline(bytes).map_err(|_| unsupported())?;
    let parameters = scheme.parameters.filter(|_| scheme.oid == PBES2_OID).ok_or_else(unsupported)?;
    let (cipher, key, iv) = pbes2(parameters, password).ok_or_else(unsupported)?;
    crypt(Mode::Decrypt, cipher, &key, iv, data).map_err(|_| wrong_password())
}

/// The scheme and the data of an `EncryptedPrivateKeyInfo`.
///
/// Not by pkcs5, here and below: it takes neither 3DES without a cipher of its own, nor a salt of more than 32 bytes.
fn outline(bytes: &[u8]) -> der::Result<(AlgorithmIdentifierRef<'_>, &[u8])> {
    AnyRef::from_der(bytes)?
        .sequence(|inside| Ok((inside.decode()?, inside.decode::<&OctetStringRef>()?.as_bytes())))
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

    let parameters = Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv).map_err(failed)?;
    let encrypted_data = OctetStringRef::new(&data).map_err(failed)?;
    EncryptedPrivateKeyInfoRef { encryption_algorithm: parameters.into(), encrypted_data }
        .to_der()
        .map_err(failed)
}

/// A cipher, its key and its initialization vector.
type Keyed<'a> = (Cipher, Zeroizing<Vec<u8>>, &'a [u8]);

/// Derivation and cipher of PBES2; `None` for those that are not known here.
fn pbes2<'a>(parameters: AnyRef<'a>, password: &str) -> Option<Keyed<'a>> {
    let outline = parameters.sequence(|inside| Ok::<_, der::Error>((inside.decode()?, inside.decode()?)));
    let (derivation, scheme): (AlgorithmIdentifierRef<'_>, AlgorithmIdentifierRef<'_>) = outline.ok()?;
    let cipher = match scheme.oid {
        AES_128_CBC_OID => Cipher::aes_128_cbc(),
        AES_192_CBC_OID => Cipher::aes_192_cbc(),
        AES_256_CBC_OID => Cipher::aes_256_cbc(),
        DES_EDE_3_CBC => Cipher::des_ede3_cbc(),
        _ => return None,
    };
    let iv = scheme.parameters?.decode_as::<&OctetStringRef>().ok()?.as_bytes();
    let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
    let settings = derivation.parameters?;
    match derivation.oid {
        PBKDF2_OID => pbkdf2(settings, password.as_bytes(), &mut key)?,
        SCRYPT_OID => scrypt(settings, password.as_bytes(), &mut key)?,
        _ => return None,
    }
    (Some(iv.len()) == cipher.iv_len()).then_some((cipher, key, iv))
}

/// RFC 8018 §A.2.
fn pbkdf2(settings: AnyRef<'_>, password: &[u8], key: &mut [u8]) -> Option<()> {
    let read = settings.sequence(|inside| {
        let (salt, rounds): (&OctetStringRef, u32) = (inside.decode()?, inside.decode()?);
        let (_length, prf): (Option<u32>, Option<AlgorithmIdentifierRef<'_>>) =
            (inside.decode()?, inside.decode()?);
        let prf = prf.map(Pbkdf2Prf::try_from).transpose()?.unwrap_or_default();
        Ok::<_, der::Error>((salt.as_bytes(), rounds, prf))
    });
    let (salt, rounds, prf) = read.ok().filter(|(_, rounds, _)| (1..=MOST_ROUNDS).contains(rounds))?;
    let hash = match prf {
        Pbkdf2Prf::HmacWithSha1 => MessageDigest::sha1(),
        Pbkdf2Prf::HmacWithSha224 => MessageDigest::sha224(),
        Pbkdf2Prf::HmacWithSha256 => MessageDigest::sha256(),
        Pbkdf2Prf::HmacWithSha384 => MessageDigest::sha384(),
        Pbkdf2Prf::HmacWithSha512 => MessageDigest::sha512(),
        _ => return None,
    };
    pkcs5::pbkdf2_hmac(password, salt, usize::try_from(rounds).ok()?, hash, key).ok()
}

/// RFC 7914 §7.1.
fn scrypt(settings: AnyRef<'_>, password: &[u8], key: &mut [u8]) -> Option<()> {
    let read = settings.sequence(|inside| {
        let salt: &OctetStringRef = inside.decode()?;
        let (n, r, p): (u64, u64, u64) = (inside.decode()?, inside.decode()?, inside.decode()?);
        let _length: Option<u32> = inside.decode()?;
        Ok::<_, der::Error>((salt.as_bytes(), n, r, p))
    });
    let (salt, n, r, p) = read.ok()?;
    n.checked_mul(r)?.checked_mul(p).filter(|work| *work <= SCRYPT_WORK)?;
    pkcs5::scrypt(password, salt, n, r, p, SCRYPT_MEMORY, key).ok()
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

fn failed(error: impl Into<Source>) -> Error {
    Error::internal("the key cannot be encrypted or decrypted").because(error)
}
