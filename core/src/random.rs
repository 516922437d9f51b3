//! The only place that draws random bytes.

use crate::{base64, error::Result};

/// A random identifier of 128 bits, base64url: 22 characters.
pub(crate) fn identifier() -> Result<String> {
    bytes::<16>().map(base64::encode)
}

/// Random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    getrandom::fill(&mut bytes)
        .map_err(|error| crate::Error::internal("the system gives no random bytes").because(error))?;
    Ok(bytes)
}
