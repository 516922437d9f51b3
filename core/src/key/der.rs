//! DER (X.690), as much of it as private keys are written in. Everything that is written is wiped.

use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// 1.2.840.113549.1.1.1, RSA.
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 1.2.840.113549.1.1.8, MGF1.
pub(super) const MGF1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08];
/// 1.2.840.113549.1.1.10, RSASSA-PSS.
pub(super) const RSASSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
/// 2.16.840.1.101.3.4.2, the SHA-2 family, without its last arc.
pub(super) const SHA2: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
/// 1.2.840.10045.2.1, a point of an elliptic curve.
pub(super) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.10045.3.1.7, P-256.
pub(super) const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
/// 1.3.132.0.34, P-384.
pub(super) const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
/// 1.3.132.0.35, P-521.
pub(super) const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
/// 1.3.101.112, Ed25519.
pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// What keys of this algorithm are called that sign no SETs here.
pub(super) fn name_of_algorithm(oid: &[u8]) -> &'static str {
    match oid {
        // 1.3.101.110, 111 and 113.
        [0x2b, 0x65, 0x6e] => "X25519, a curve for key agreement,",
        [0x2b, 0x65, 0x6f] => "X448, a curve for key agreement,",
        [0x2b, 0x65, 0x71] => "Ed448",
        // 1.2.840.10040.4.1 and 1.2.840.113549.1.3.1.
        [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01] => "DSA",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x03, 0x01] => "a Diffie-Hellman key",
        // 2.16.840.1.101.3.4.3.17 to 19, and 20 to 31.
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11..=0x13] => "ML-DSA",
        [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x14..=0x1f] => "SLH-DSA",
        _ => "this type of key",
    }
}

/// What keys on this curve are called that sign no SETs here.
pub(super) fn name_of_curve(oid: &[u8]) -> &'static str {
    match oid {
        // 1.3.132.0.10 and 33.
        [0x2b, 0x81, 0x04, 0x00, 0x0a] => "the curve secp256k1",
        [0x2b, 0x81, 0x04, 0x00, 0x21] => "the curve P-224",
        // 1.2.840.10045.3.1.1.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01] => "the curve P-192",
        // 1.3.36.3.3.2.8.1.1.
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, _] => "a Brainpool curve",
        // 1.2.156.10197.1.301.
        [0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x82, 0x2d] => "the curve SM2",
        _ => "this elliptic curve",
    }
}

/// Reads values one after another.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(der: &'a [u8]) -> Self {
        Self(der)
    }

    /// The contents of the one value with this tag that `der` is.
    pub(super) fn only(der: &'a [u8], tag: u8) -> Option<Self> {
        let mut reader = Self(der);
        let contents = reader.take(tag)?;
        reader.0.is_empty().then_some(Self(contents))
    }

    /// The contents of the next value, if it has this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&first, rest) = self.0.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = bytes
                .iter()
                .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?;
            (length, rest)
        };
        if first != tag {
            return None;
        }
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(contents)
    }

    /// The values inside the next one.
    pub(super) fn enter(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Self)
    }

    /// A number that is not negative and fits.
    pub(super) fn number(&mut self) -> Option<u64> {
        let bytes = self.unsigned()?;
        (bytes.len() <= 8).then(|| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// The bytes of a number that is not negative, without leading zeros.
    pub(super) fn unsigned(&mut self) -> Option<&'a [u8]> {
        let bytes = self.take(INTEGER)?;
        if bytes.first().is_none_or(|byte| byte & 0x80 != 0) {
            return None;
        }
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Some(&bytes[zeros..])
    }

    /// The tag of the next value.
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// What follows.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One value: tag, length, contents.
pub(super) fn value(tag: u8, contents: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = contents.iter().map(|part| part.len()).sum();
    // Allocated once: growing would leave unwiped copies behind.
    let mut der = Zeroizing::new(Vec::with_capacity(length + 2 + size_of::<usize>()));
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

/// A number that is not negative.
pub(super) fn integer(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = &bytes[zeros..];
    let sign: &[u8] = if bytes.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    value(INTEGER, &[sign, bytes])
}
