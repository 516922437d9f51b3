//! Error codes, lint rules, and what answers mean.

use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorType {
    pub(super) code: String,
    pub(super) kind: ErrorKind,
    pub(super) doc: String,
    pub(super) remedy: String,
    #[serde(default)]
    pub(super) retry: Retry,
    /// HTTP statuses of an answer that mean this: `429`, `5xx`, or `other` for all that no code names.
    #[serde(default)]
    pub(super) statuses: Vec<String>,
    /// Codes of RFC 8935 §2.4 that mean this when they come with 400.
    #[serde(default)]
    pub(super) errs: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Retry {
    #[default]
    Never,
    Later,
    ByCaller,
    AfterRenewal,
    AfterSigningAgain,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorKind {
    Config,
    Key,
    Validation,
    Signing,
    Token,
    Delivery,
    Transport,
    Api,
    Outbox,
    Deadline,
    Internal,
}

/// What `lint` looks for.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) severity: Severity,
    pub(super) effect: Effect,
    /// The error of `emit` where the finding keeps a SET from being sent.
    pub(super) code: String,
    /// The code of RFC 8935 §2.4 with which a receiver answers.
    #[serde(default)]
    pub(super) err: Option<String>,
    pub(super) source: String,
    pub(super) doc: String,
    pub(super) remedy: String,
}

/// What a code means with which receivers refuse a SET.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    pub(super) err: String,
    pub(super) source: String,
    pub(super) cause: String,
    pub(super) remedy: String,
}

/// Anything unusual about the answer to a delivered SET.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiptNote {
    pub(super) name: String,
    pub(super) doc: String,
}

/// Why a SET that was answered with a success may not have arrived.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceptionCause {
    pub(super) id: String,
    pub(super) cause: String,
    pub(super) remedy: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    Note,
    Warning,
    Error,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Effect {
    Refuses,
    Drops,
    Misreads,
}
