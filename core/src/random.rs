//! The only place that draws random bytes.

use crate::{base64, error::Result};

/// A random identifier of 128 bits, base64url: 22 characters.
pub(crate) fn identifier() -> Result<String> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(base64::encode(bytes))
}

/// Fills `bytes` with random ones.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<()> {
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    getrandom::fill(bytes)
        .map_err(|error| crate::Error::internal("the system gives no random bytes").because(error))
}
