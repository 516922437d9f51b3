//! The names of settings, in each language of this library.

use super::settings::SETTINGS;

/// The language of a reader: a text names settings as this language does.
///
/// The texts of this crate name settings as Rust does. The packages for other languages, and the command, pass the texts that
/// they show through [`text`](Self::text).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Language {
    /// Rust.
    #[default]
    Rust,
    /// Python.
    Python,
    /// JavaScript and TypeScript.
    Node,
    /// Swift.
    Swift,
    /// The options of the command `ssf`.
    Command,
}

/// What one setting is called.
pub(super) struct Setting {
    pub(super) rust: &'static str,
    pub(super) python: &'static str,
    pub(super) node: &'static str,
    pub(super) swift: &'static str,
    pub(super) command: &'static str,
}

impl Language {
    /// A text of this crate, with the names that settings have in this language.
    ///
    /// ```
    /// use ssf_transmitter::{ErrorCode, catalogue::Language};
    ///
    /// assert_eq!(ErrorCode::EndpointInvalid.remedy(), Language::Rust.text(ErrorCode::EndpointInvalid.remedy()));
    /// assert!(Language::Node.text(ErrorCode::EndpointInvalid.remedy()).contains("`allowLoopback`"));
    /// ```
    pub fn text(self, text: &str) -> String {
        // Names are in backticks, so every second part may be one.
        let parts = text.split('`').enumerate();
        let named = parts.map(|(number, part)| if number % 2 == 1 { self.name(part) } else { part });
        named.collect::<Vec<_>>().join("`")
    }

    /// What a setting is called. Other names stay as they are.
    fn name(self, name: &str) -> &str {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.rust == name) else { return name };
        match self {
            Self::Rust => setting.rust,
            Self::Python => setting.python,
            Self::Node => setting.node,
            Self::Swift => setting.swift,
            Self::Command => setting.command,
        }
    }
}
