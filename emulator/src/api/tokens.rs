//! Who may call the API.

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq as _;

use super::ApiError;
use crate::config::ApiTokens;
use crate::ledger::text;

impl ApiTokens {
    /// `SSWS` and a token of the API, or `Bearer` and an access token; here both are the same one.
    pub(super) fn authorize(&self, headers: &HeaderMap, reads_only: bool) -> Result<(), ApiError> {
        let authorization = text(headers, &header::AUTHORIZATION).unwrap_or_default();
        let (scheme, presented) = authorization.split_once(' ').unwrap_or_default();
        let is_scheme = ["SSWS", "Bearer"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        let is = |token: &str| bool::from(token.as_bytes().ct_eq(presented.as_bytes()));
        match (is_scheme, reads_only) {
            (true, _) if is(&self.manage) => Ok(()),
            (true, true) if self.read.as_deref().is_some_and(is) => Ok(()),
            (true, false) if self.read.as_deref().is_some_and(is) => Err(ApiError::forbidden()),
            _ => Err(ApiError::invalid_token()),
        }
    }
}
