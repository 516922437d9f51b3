//! The only place that draws random bytes.

use crate::{
    base64,
    error::{Error, Result},
};

/// A random fraction, from zero up to but without one.
pub(crate) fn fraction() -> Result<f64> {
    #[allow(clippy::cast_precision_loss, reason = "the upper 53 bits fit")]
    Ok((number()? >> 11) as f64 / (1_u64 << 53) as f64)
}

/// A random number.
pub(crate) fn number() -> Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// A random identifier of 128 bits, base64url: 22 characters.
pub(crate) fn identifier() -> Result<String> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(base64::encode(bytes))
}

/// An identifier that begins with the time and has 80 random bits, base64url: 22 characters. Those of the same time are neighbours in an
/// index, which then changes a few pages and not one for each of them.
pub(crate) fn identifier_at(unix_millis: i64) -> Result<String> {
    let mut bytes = [0; 16];
    fill(&mut bytes[6..])?;
    // 48 bits last until the year 10889.
    bytes[..6].copy_from_slice(&unix_millis.to_be_bytes()[2..]);
    Ok(base64::encode(bytes))
}

/// Fills `bytes` with random ones.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    getrandom::fill(bytes)
        .map_err(|error| Error::internal("the system provides no random bytes").because(error))
}
