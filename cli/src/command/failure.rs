//! Why a command fails: what it prints, and the code it exits with.

use std::{error::Error, io};

use serde_json::{Value, json};
use ssf_transmitter::{self as sdk, ErrorCode, ErrorKind, catalogue::Language};

use super::output;

/// The class of a failure: one exit code each. They are stable, and `docs/cli.md` lists them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    Other,
    Usage,
    Configuration,
    Key,
    Validation,
    Signing,
    Token,
    Refused,
    Unreachable,
    Api,
    Deadline,
    Findings,
    Outbox,
    Interrupted,
}

impl Class {
    pub(super) const ALL: [Self; 14] = [
        Self::Other,
        Self::Usage,
        Self::Configuration,
        Self::Key,
        Self::Validation,
        Self::Signing,
        Self::Token,
        Self::Refused,
        Self::Unreachable,
        Self::Api,
        Self::Deadline,
        Self::Findings,
        Self::Outbox,
        Self::Interrupted,
    ];

    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Usage => 2,
            Self::Configuration => 3,
            Self::Key => 4,
            Self::Validation => 5,
            Self::Signing => 6,
            Self::Token => 7,
            Self::Refused => 8,
            Self::Unreachable => 9,
            Self::Api => 10,
            Self::Deadline => 11,
            Self::Findings => 12,
            Self::Outbox => 13,
            // What shells say of a program that Ctrl-C ended.
            Self::Interrupted => 130,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Usage => "usage",
            Self::Configuration => "configuration",
            Self::Key => "key",
            Self::Validation => "validation",
            Self::Signing => "signing",
            Self::Token => "token",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Api => "api",
            Self::Deadline => "deadline",
            Self::Findings => "findings",
            Self::Outbox => "outbox",
            Self::Interrupted => "interrupted",
        }
    }

    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Other => "Anything else, such as an error inside `ssf`",
            Self::Usage => "The command line is wrong",
            Self::Configuration => "A setting is wrong, or a file cannot be read or written",
            Self::Key => "A key cannot be used",
            Self::Validation => "The event, the subject or the SET is invalid; nothing was sent",
            Self::Signing => "Signing failed; nothing was sent",
            Self::Token => "No access token was granted; nothing was sent",
            Self::Refused => "The receiver does not accept the SET",
            Self::Unreachable => "The connection failed: DNS, network, proxy or TLS",
            Self::Api => "Okta's API rejected the call, or did not answer",
            Self::Deadline => "The deadline passed",
            Self::Findings => "`lint` found an error, a check of `doctor` failed, or Okta dropped the SET",
            Self::Outbox => "The outbox rejected the call, or its file or database cannot be used",
            Self::Interrupted => "`send` was interrupted; the same command goes on",
        }
    }
}

impl From<ErrorKind> for Class {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Config => Self::Configuration,
            ErrorKind::Key => Self::Key,
            ErrorKind::Validation => Self::Validation,
            ErrorKind::Signing => Self::Signing,
            ErrorKind::Token => Self::Token,
            ErrorKind::Delivery => Self::Refused,
            ErrorKind::Transport => Self::Unreachable,
            ErrorKind::Api => Self::Api,
            ErrorKind::Deadline => Self::Deadline,
            ErrorKind::Outbox => Self::Outbox,
            _ => Self::Other,
        }
    }
}

/// Why a command fails.
#[derive(Debug)]
pub(crate) struct Failure {
    class: Class,
    /// Where, such as in which file.
    place: Option<String>,
    message: String,
    error: Option<Box<sdk::Error>>,
    is_closed_pipe: bool,
}

impl Failure {
    pub(super) fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, place: None, message: message.into(), error: None, is_closed_pipe: false }
    }

    /// The command line is wrong, in a way that only shows after it is parsed.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Class::Usage, message)
    }

    /// A file cannot be read or written.
    pub(super) fn file(path: impl AsRef<std::path::Path>, error: &io::Error) -> Self {
        Self::new(Class::Configuration, format!("{}: {error}", path.as_ref().display()))
    }

    /// The same failure; the message says first where, such as in which file.
    pub(super) fn in_place(mut self, place: impl std::fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// The same failure; the message says first where, if it does not say it yet.
    pub(super) fn or_in_place(self, place: impl std::fmt::Display) -> Self {
        if self.place.is_some() { self } else { self.in_place(place) }
    }

    /// Whether it is that nobody reads the output any longer.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        self.is_closed_pipe
    }

    /// The error of the library behind it, if there is one.
    pub(super) fn error(&self) -> Option<&sdk::Error> {
        self.error.as_deref()
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }

    /// What a person reads.
    pub(crate) fn text(&self) -> String {
        let mut text = self.placed(&self.message);
        let Some(error) = &self.error else { return text };
        if let Some(description) = error.receiver_description() {
            text = format!("{text}\n  receiver: {description}");
        }
        let remedy = Language::Command.text(error.remedy());
        text = format!("{text}\n  fix: {remedy}");
        if let Some(option) = option(error.code()).filter(|option| !remedy.contains(option)) {
            text = format!("{text} ({option})");
        }
        let others = error.findings().iter().filter(|finding| Some(finding.pointer()) != error.pointer());
        others.fold(text, |text, finding| format!("{text}\n  {finding}"))
    }

    /// A message with its place before it.
    fn placed(&self, message: &str) -> String {
        self.place.as_ref().map_or_else(|| message.to_owned(), |place| format!("{place}: {message}"))
    }

    /// What a program reads: an object with the one member `error`.
    pub(crate) fn json(&self) -> Value {
        let error = self.error.as_deref();
        let text = |of: fn(&sdk::Error) -> Option<&str>| error.and_then(of);
        json!({ "error": {
            "class": self.class.name(),
            "exit_code": self.class.exit_code(),
            "code": error.map(|error| error.code().as_str()),
            "message": self.placed(&error.map_or_else(|| self.message.clone(), |error| Language::Command.text(error.message()))),
            "pointer": text(sdk::Error::pointer),
            "remedy": error.map(|error| Language::Command.text(error.remedy())),
            "option": error.and_then(|error| option(error.code())),
            "status": error.and_then(sdk::Error::status),
            "receiver_error": text(sdk::Error::receiver_error),
            "receiver_description": text(sdk::Error::receiver_description),
            "retryable": error.is_some_and(sdk::Error::is_retryable),
            "retry_after": error.and_then(sdk::Error::retry_after).map(|wait| wait.as_secs_f64()),
            "findings": error.map_or(&[][..], sdk::Error::findings).iter().map(output::finding).collect::<Vec<_>>(),
        }})
    }
}

impl From<sdk::Error> for Failure {
    fn from(error: sdk::Error) -> Self {
        let class = error.kind().into();
        Self {
            class,
            place: None,
            message: Language::Command.text(&error.to_string()),
            error: Some(Box::new(error)),
            is_closed_pipe: false,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let is_closed_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { is_closed_pipe, ..Self::new(Class::Configuration, error.to_string()) }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::new(Class::Configuration, error.to_string())
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::new(Class::Configuration, message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::new(Class::Configuration, message)
    }
}

impl From<Box<dyn Error>> for Failure {
    fn from(error: Box<dyn Error>) -> Self {
        match error.downcast::<sdk::Error>() {
            Ok(error) => (*error).into(),
            Err(error) => Self::new(Class::Configuration, error.to_string()),
        }
    }
}

/// The option that sets what the remedy of an error names.
fn option(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::EndpointInvalid => "--allow-loopback",
        ErrorCode::AddressForbidden => "--allow-network",
        ErrorCode::ConnectionFailed => "--proxy",
        ErrorCode::TlsFailed => "--ca-bundle",
        ErrorCode::TokenRefused => "--token-auth",
        ErrorCode::ReceiverUnauthorized => "--authorization, or --token-url",
        ErrorCode::DeadlineExceeded => "--deadline",
        ErrorCode::KeyAlgorithmMismatch | ErrorCode::AlgorithmNotAccepted => "--algorithm",
        ErrorCode::KeyPasswordMissing | ErrorCode::KeyPasswordWrong => "in the variable SSF_KEY_PASSWORD",
        ErrorCode::KeySetAmbiguous | ErrorCode::KeyNotFound => "--kid",
        ErrorCode::SubjectFormatUnknown => "--custom-subject",
        ErrorCode::TxnMissing => "--txn",
        _ => return None,
    })
}
