//! The one place that draws random bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A string nobody can guess: 256 random bits, base64url.
#[allow(clippy::disallowed_methods, reason = "access tokens of the emulator must not be guessable")]
pub(crate) fn secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
