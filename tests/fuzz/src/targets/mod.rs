//! The targets, by what they read.

mod answers;
mod callers;
mod calls;
mod keys;
mod outbox;
mod places;
mod sets;
mod settings;
mod values;

pub(crate) use answers::{okta_answer, push_answer, retry_after, token_answer};
pub(crate) use callers::{access_token, authorization};
pub(crate) use calls::{poll_request, stream_request};
pub(crate) use keys::{certificate, der, encrypted_key, jwk, jwks, pem};
pub(crate) use outbox::{outbox_payload, outbox_row};
pub(crate) use places::{metadata, url};
pub(crate) use sets::{claims, set};
pub(crate) use settings::{config, dialect, key_source};
pub(crate) use values::{event, subject};

/// The text of an input. Other inputs are not for this parser.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
