//! The numbers of an RSA key that a JWK may leave out (RFC 7518 §6.3.2).

use openssl::{
    bn::{BigNum, BigNumContext, BigNumRef},
    error::ErrorStack,
};

/// `d mod (p-1)`, `d mod (q-1)` and the inverse of `q`.
pub(super) fn crt_parameters(d: &BigNumRef, p: &BigNumRef, q: &BigNumRef) -> Result<[BigNum; 3], ErrorStack> {
    let mut context = BigNumContext::new_secure()?;
    let one = BigNum::from_u32(1)?;
    let mut modulo = |prime: &BigNumRef| {
        let (mut less, mut rest) = (BigNum::new_secure()?, BigNum::new_secure()?);
        less.checked_sub(prime, &one)?;
        rest.nnmod(d, &less, &mut context)?;
        Ok::<_, ErrorStack>(rest)
    };
    let (dp, dq) = (modulo(p)?, modulo(q)?);
    let mut qi = BigNum::new_secure()?;
    qi.mod_inverse(q, p, &mut context)?;
    Ok([dp, dq, qi])
}

/// The primes of an RSA key from `n`, `e` and `d` (NIST SP 800-56B, appendix C); `None` if there are none.
///
/// `ed - 1 = 2^s * r` with odd `r`. For about half of all bases `g`, one of the squares `g^(r*2^i)` is a square root of
/// one other than one itself, which has a common divisor with `n`. The bases are small primes: nothing here is a secret
/// choice.
#[allow(clippy::many_single_char_names, reason = "the names of RFC 7518 §6.3")]
pub(super) fn primes(
    n: &BigNumRef,
    e: &BigNumRef,
    d: &BigNumRef,
) -> Result<Option<(BigNum, BigNum)>, ErrorStack> {
    const BASES: [u32; 30] = [
        2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101,
        103, 107, 109, 113,
    ];
    let mut context = BigNumContext::new_secure()?;
    let one = BigNum::from_u32(1)?;
    let (mut product, mut odd) = (BigNum::new_secure()?, BigNum::new_secure()?);
    let mut last = BigNum::new()?;
    product.checked_mul(e, d, &mut context)?;
    product.sub_word(1)?;
    let squarings = (0..product.num_bits()).take_while(|bit| !product.is_bit_set(*bit)).count();
    odd.rshift(&product, i32::try_from(squarings).unwrap_or_default())?;
    last.checked_sub(n, &one)?;

    for base in BASES {
        let mut root = BigNum::new_secure()?;
        root.mod_exp(&*BigNum::from_u32(base)?, &odd, n, &mut context)?;
        for _ in 0..squarings {
            let mut square = BigNum::new_secure()?;
            square.mod_sqr(&root, n, &mut context)?;
            if square == one && root != one && root != last {
                let (mut p, mut q) = (BigNum::new_secure()?, BigNum::new_secure()?);
                root.sub_word(1)?;
                p.gcd(&root, n, &mut context)?;
                q.checked_div(n, &p, &mut context)?;
                return Ok(Some(if p > q { (p, q) } else { (q, p) }));
            }
            root = square;
        }
    }
    Ok(None)
}
