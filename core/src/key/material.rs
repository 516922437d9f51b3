//! Private keys from and to numbers, with no copy that is not wiped.
//!
//! OpenSSL's own readers and writers of keys free what they read and wrote without wiping it. So keys are put together
//! from their numbers here, and taken apart again: OpenSSL wipes the numbers of a key, and those that are `secure`.

use openssl::{
    bn::{BigNum, BigNumContext, BigNumRef},
    ec::{EcGroup, EcKey, EcPoint},
    error::ErrorStack,
    pkey::{Id, PKey, Private},
    rsa::RsaPrivateKeyBuilder,
};
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorCode, Result},
    jose::KeyFamily,
};

/// A number that is wiped when it is freed, and wherever OpenSSL copies it.
pub(super) fn secret_number(bytes: &[u8]) -> Result<BigNum> {
    let read = || {
        let mut number = BigNum::new_secure()?;
        number.copy_from_slice(bytes)?;
        number.set_const_time();
        Ok::<_, ErrorStack>(number)
    };
    read().map_err(inconsistent)
}

/// The bytes of a number, wiped.
pub(super) fn bytes(number: &BigNumRef) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(number.to_vec())
}

/// The bytes of a number, wiped, with leading zeros up to `length`.
pub(super) fn padded(number: &BigNumRef, length: usize) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
    let length = i32::try_from(length).unwrap_or_default();
    number.to_vec_padded(length).map(Zeroizing::new)
}

/// The private numbers of an RSA key: `d`, `p`, `q`, `d mod (p-1)`, `d mod (q-1)`, the inverse of `q`.
pub(super) type RsaNumbers = [BigNum; 6];

/// The RSA key of these numbers, if they belong together.
pub(super) fn rsa(n: BigNum, e: BigNum, [d, p, q, dp, dq, qi]: RsaNumbers) -> Result<PKey<Private>> {
    let rsa = RsaPrivateKeyBuilder::new(n, e, d)
        .and_then(|builder| builder.set_factors(p, q))
        .and_then(|builder| builder.set_crt_params(dp, dq, qi))
        .map_err(inconsistent)?
        .build();
    // OpenSSL tells why in its error queue; either way the parts do not belong together.
    if !rsa.check_key().unwrap_or(false) {
        return Err(inconsistent(()));
    }
    PKey::from_rsa(rsa).map_err(inconsistent)
}

/// The public half of a key on a curve, as it came with the private one.
pub(super) enum Point<'a> {
    Missing,
    Coordinates(&'a [u8], &'a [u8]),
    Encoded(&'a [u8]),
}

/// The key on a curve, if its halves belong together.
pub(super) fn curve(family: KeyFamily, d: &[u8], point: &Point<'_>) -> Result<PKey<Private>> {
    let d = secret_number(d)?;
    let read = || {
        let group = EcGroup::from_curve_name(family.nid())?;
        let mut context = BigNumContext::new_secure()?;
        let public = match point {
            Point::Missing => {
                let mut public = EcPoint::new(&group)?;
                public.mul_generator2(&group, &d, &mut context)?;
                public
            }
            Point::Coordinates(x, y) => {
                let (x, y) = (BigNum::from_slice(x)?, BigNum::from_slice(y)?);
                let mut public = EcPoint::new(&group)?;
                public.set_affine_coordinates(&group, &x, &y, &mut context)?;
                public
            }
            Point::Encoded(bytes) => EcPoint::from_bytes(&group, bytes, &mut context)?,
        };
        let key = EcKey::from_private_components(&group, &d, &public)?;
        key.check_key()?;
        PKey::from_ec_key(key)
    };
    read().map_err(inconsistent)
}

/// The Ed25519 key, if its halves belong together.
pub(super) fn ed25519(d: &[u8], public: Option<&[u8]>) -> Result<PKey<Private>> {
    let key = PKey::private_key_from_raw_bytes(d, Id::ED25519).map_err(inconsistent)?;
    let own = key.raw_public_key().map_err(inconsistent)?;
    if public.is_none_or(|public| public == own) {
        Ok(key)
    } else {
        Err(inconsistent(()))
    }
}

pub(super) fn inconsistent<T>(_: T) -> Error {
    let message = "the parts of the key do not belong together: they make no key";
    Error::new(ErrorCode::KeyInconsistent, message)
}
