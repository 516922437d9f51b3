//! Text in several languages.

use std::collections::BTreeMap;

use serde_json::Value;

/// One text in one or more languages, by BCP 47 tag (CAEP 1.0 §2).
///
/// ```
/// use ssf_transmitter::event::LocalizedText;
///
/// let text = LocalizedText::from([("en", "Laptop lost"), ("de", "Laptop verloren")]);
/// assert_eq!(serde_json::Value::from(text)["de"], "Laptop verloren");
/// ```
#[derive(Clone, Default, PartialEq)]
pub struct LocalizedText(BTreeMap<String, String>);

impl LocalizedText {
    /// Sets the text in `language`, a BCP 47 tag such as `en` or `pt-BR`.
    pub fn insert(&mut self, language: impl Into<String>, text: impl Into<String>) {
        self.0.insert(language.into(), text.into());
    }
}

impl<L: Into<String>, T: Into<String>, const N: usize> From<[(L, T); N]> for LocalizedText {
    fn from(texts: [(L, T); N]) -> Self {
        texts.into_iter().collect()
    }
}

impl<L: Into<String>, T: Into<String>> FromIterator<(L, T)> for LocalizedText {
    fn from_iter<I: IntoIterator<Item = (L, T)>>(texts: I) -> Self {
        Self(texts.into_iter().map(|(language, text)| (language.into(), text.into())).collect())
    }
}

impl From<LocalizedText> for Value {
    fn from(text: LocalizedText) -> Self {
        Self::Object(text.0.into_iter().map(|(language, text)| (language, Self::String(text))).collect())
    }
}

super::redacted_debug!(LocalizedText);
