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
    jose::{Algorithm, KeyFamily},
};

/// A private key. Cheap to clone, except the seed.
#[derive(Clone)]
pub(super) struct Material {
    pub(super) key: PKey<Private>,
    /// Of an Ed25519 key, its bytes: OpenSSL gives them back only through memory that it does not wipe. On the heap: a move
    /// of an array leaves a copy behind.
    pub(super) seed: Option<Zeroizing<Vec<u8>>>,
    /// The algorithms that the key itself allows, the default first; none: any that fit its type.
    pub(super) bound_to: &'static [Algorithm],
}

impl From<PKey<Private>> for Material {
    fn from(key: PKey<Private>) -> Self {
        Self { key, seed: None, bound_to: &[] }
    }
}

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

/// The RSA key of these numbers, if they match.
#[allow(clippy::many_single_char_names, reason = "the names of RFC 8017 §3")]
pub(super) fn rsa(n: BigNum, e: BigNum, [d, p, q, dp, dq, qi]: RsaNumbers) -> Result<Material> {
    let numbers = [d, p, q, dp, dq, qi];
    if !belong_together(&n, &e, &numbers).map_err(inconsistent)? {
        return Err(inconsistent(()));
    }
    let [d, p, q, dp, dq, qi] = numbers;
    let rsa = RsaPrivateKeyBuilder::new(n, e, d)
        .and_then(|builder| builder.set_factors(p, q))
        .and_then(|builder| builder.set_crt_params(dp, dq, qi))
        .map_err(inconsistent)?
        .build();
    PKey::from_rsa(rsa).map(Material::from).map_err(inconsistent)
}

/// RFC 8017 §3.2. OpenSSL's own check computes `d mod (q-1)` and the inverse of `q` in numbers that it frees without wiping.
#[allow(clippy::many_single_char_names, reason = "the names of RFC 8017 §3")]
fn belong_together(
    n: &BigNumRef,
    e: &BigNumRef,
    [d, p, q, dp, dq, qi]: &RsaNumbers,
) -> Result<bool, ErrorStack> {
    /// More than enough for primes that nobody chose to deceive: it is the sender's own key.
    const ROUNDS: i32 = 5;
    let mut context = BigNumContext::new_secure()?;
    let one = BigNum::from_u32(1)?;
    let mut found = BigNum::new_secure()?;
    found.checked_mul(p, q, &mut context)?;
    if *found != *n {
        return Ok(false);
    }
    for (prime, exponent) in [(p, dp), (q, dq)] {
        let mut less_one = BigNum::new_secure()?;
        less_one.checked_sub(prime, &one)?;
        found.checked_rem(d, &less_one, &mut context)?;
        if *found != **exponent {
            return Ok(false);
        }
        found.mod_mul(exponent, e, &less_one, &mut context)?;
        if *found != *one || !prime.is_prime(ROUNDS, &mut context)? {
            return Ok(false);
        }
    }
    found.mod_mul(qi, q, p, &mut context)?;
    Ok(*found == *one)
}

/// The public half of a key on a curve, as it came with the private one.
pub(super) enum Point<'a> {
    Missing,
    Coordinates(&'a [u8], &'a [u8]),
    Encoded(&'a [u8]),
}

/// The key on a curve, if its halves match.
pub(super) fn curve(family: KeyFamily, d: &[u8], point: &Point<'_>) -> Result<Material> {
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
        PKey::from_ec_key(key).map(Material::from)
    };
    read().map_err(inconsistent)
}

/// The Ed25519 key, if its halves match.
pub(super) fn ed25519(d: &[u8], public: Option<&[u8]>) -> Result<Material> {
    let key = PKey::private_key_from_raw_bytes(d, Id::ED25519).map_err(inconsistent)?;
    let own = key.raw_public_key().map_err(inconsistent)?;
    if public.is_some_and(|public| public != own) {
        return Err(inconsistent(()));
    }
    Ok(Material { seed: Some(Zeroizing::new(d.to_vec())), ..key.into() })
}

pub(super) fn inconsistent<T>(_: T) -> Error {
    let message = "the parts of the key do not match";
    Error::new(ErrorCode::KeyInconsistent, message)
}
