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

/// An id as Okta gives them: 20 letters and digits, of which the first say what it is of.
pub(crate) fn identifier(prefix: &str) -> Result<String, getrandom::Error> {
    let mut id = prefix.to_owned();
    while id.len() < 20 {
        let drawn = secret()?;
        id.extend(drawn.chars().filter(char::is_ascii_alphanumeric).take(20 - id.len()));
    }
    Ok(id)
}
