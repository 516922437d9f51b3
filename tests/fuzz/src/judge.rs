//! What holds for everything that a parser says.

use serde_json::Value;
use ssf_transmitter::{Error, ErrorCode, json, lint::Finding};

/// From here on, a piece of an input is in a message only because it was quoted, and longer than any name that a
/// message may quote.
const QUOTED: usize = 25;

/// An error has a code that is known, says something on one line, and is not our own fault.
pub(crate) fn error(error: &Error) {
    assert_eq!(ErrorCode::by_name(error.code().as_str()), Some(error.code()));
    assert_ne!(error.code(), ErrorCode::Internal, "{error:?}");
    assert!(!error.message().is_empty() && !error.remedy().is_empty());
    let shown = error.to_string();
    assert!(!shown.contains(char::is_control), "a control character in {shown:?}");
    if let Some(pointer) = error.pointer() {
        assert!(is_pointer(pointer), "{pointer:?} is not a JSON pointer");
    }
}

/// An error about a JSON text that begins at `root`: its place is there, or it is missing where it belongs.
pub(crate) fn error_in(text: &str, root: &str, found: &Error) {
    error(found);
    // What is not exact JSON has places that a reader of its values does not see, such as the first of two members with
    // a name.
    if let (Some(pointer), Ok(value)) = (found.pointer(), json::parse(text)) {
        let inside = pointer.strip_prefix(root).unwrap_or(pointer);
        assert!(resolves(&value, inside), "{inside:?} is not in the input: {found}");
    }
}

/// Findings about a value: each has its place in there.
pub(crate) fn findings(value: &Value, found: &[Finding]) {
    for finding in found {
        assert!(!finding.message().is_empty(), "{finding:?}");
        assert!(!finding.to_string().contains(char::is_control), "a control character in {finding}");
        assert!(resolves(value, finding.pointer()), "{:?} is not in the input: {finding}", finding.pointer());
    }
}

/// Neither an error nor what caused it contains a secret.
pub(crate) fn hides<'a>(error: &Error, secrets: impl IntoIterator<Item = &'a str>) {
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        shown = format!("{shown} {cause} {cause:?}");
        source = cause.source();
    }
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret:?} is in {shown}");
    }
}

/// The pieces of an input that may be a key or a part of one: long, and without a space or a bracket.
pub(crate) fn secrets(bytes: &[u8]) -> Vec<&str> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    let pieces = bytes.split(|byte| !is_base64(byte)).filter(|piece| piece.len() >= QUOTED);
    pieces.filter_map(|piece| std::str::from_utf8(piece).ok()).collect()
}

fn is_pointer(pointer: &str) -> bool {
    pointer.is_empty() || pointer.starts_with('/')
}

/// Whether the value has this place, or the one around it, where a member is missing.
fn resolves(value: &Value, pointer: &str) -> bool {
    let around = pointer.rsplit_once('/').map_or("", |(around, _)| around);
    is_pointer(pointer) && (value.pointer(pointer).is_some() || value.pointer(around).is_some())
}
