//! Names that nobody knows, and the ones that may have been meant.

use napi_derive::napi;

/// The known name that was probably meant, if one is near.
#[napi]
pub fn nearest(name: String, known: Vec<String>) -> Option<String> {
    ssf_bindings::names::nearest(&name, &known)
}
