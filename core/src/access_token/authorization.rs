//! The header `Authorization` of a request to us (RFC 6750 §2.1).

use crate::{denial::DenialReason, secret::Secret};

/// The token in the values of the header `Authorization`: one value, `Bearer` in any case, and a `b64token`.
pub(crate) fn bearer_token<V: AsRef<[u8]>>(
    values: impl IntoIterator<Item = V>,
) -> Result<Secret<String>, DenialReason> {
    let mut values = values.into_iter();
    let Some(value) = values.next() else { return Err(DenialReason::CredentialsMissing) };
    if values.next().is_some() {
        return Err(DenialReason::HeaderRepeated);
    }
    let value = std::str::from_utf8(value.as_ref()).map_err(|_| DenialReason::HeaderMalformed)?;
    // HTTP libraries take the white space around a value away (RFC 9110 §5.5); some leave it.
    let value = value.trim_matches([' ', '\t']);
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.is_empty() {
        return Err(DenialReason::HeaderMalformed);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(DenialReason::SchemeUnsupported);
    }
    // RFC 9110 §11.6.2: one space or more.
    let token = token.trim_start_matches(' ');
    if is_b64token(token) { Ok(token.into()) } else { Err(DenialReason::HeaderMalformed) }
}

fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(is_allowed)
}
