//! Dialects: what one kind of receiver wants of a SET, as data.
//!
//! No two receivers want the same SET. A dialect says where the subject goes and in which form, which claims and header
//! members are sent, in which unit times are, and which events with which members are taken. The built-in ones are TOML
//! files (`core/catalogue/receivers/`); a user's own has the same form and mostly `extends` one of them.

mod data;
mod interpret;
mod settings;

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use serde::Deserialize as _;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

pub(crate) use data::{AnswerRules, AudienceForm, EventRules, Success, Txn};
use data::{Authorization, Data};
pub use settings::TimeUnit;

use crate::{
    catalogue::EventType,
    error::{Error, ErrorCode, Result},
    near,
};

/// The dialect that others extend unless they say another.
const BASE: &str = "ssf-1.0";

/// The files of the built-in dialects; a dialect comes after the one that it extends.
const BUILT_IN: &[&str] = &[
    include_str!("../../catalogue/receivers/ssf-1.0.toml"),
    include_str!("../../catalogue/receivers/caep-interop.toml"),
    include_str!("../../catalogue/receivers/okta.toml"),
    include_str!("../../catalogue/receivers/govuk-one-login.toml"),
    include_str!("../../catalogue/receivers/govuk-app.toml"),
    include_str!("../../catalogue/receivers/google-workspace.toml"),
    include_str!("../../catalogue/receivers/login-gov.toml"),
    include_str!("../../catalogue/receivers/apple.toml"),
];

static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(|| {
    let mut dialects: Vec<Dialect> = Vec::new();
    for text in BUILT_IN {
        let base = |id: &str| dialects.iter().find(|dialect| dialect.id() == id).cloned();
        #[allow(clippy::expect_used, reason = "the texts are compiled in, and a test reads them all")]
        dialects.push(Dialect::parse(text, base).expect("a built-in dialect can be read"));
    }
    dialects
});

/// The requirements of one kind of receiver for SETs. Cheap to clone.
///
/// ```
/// use ssf_transmitter::Dialect;
///
/// // Okta, but with times in milliseconds.
/// let dialect = Dialect::from_toml(r#"
///     id = "okta-ms"
///     extends = "okta"
///     [time]
///     unit = "ms"
/// "#)?;
/// assert_eq!(dialect.id(), "okta-ms");
/// # Ok::<(), ssf_transmitter::Error>(())
/// ```
#[derive(Clone)]
pub struct Dialect(Arc<Loaded>);

struct Loaded {
    data: Data,
    /// The texts that it was read from, its bases' before its own: what another dialect may extend.
    texts: Vec<Arc<str>>,
}

impl Dialect {
    /// The ids of the built-in dialects.
    pub fn ids() -> impl Iterator<Item = &'static str> {
        DIALECTS.iter().map(Self::id)
    }

    /// The built-in dialect with this id: `ssf-1.0`, `caep-interop`, `okta`, `govuk-one-login`, `govuk-app`,
    /// `google-workspace`, `login-gov` or `apple`.
    pub fn built_in(id: &str) -> Result<Self> {
        DIALECTS.iter().find(|dialect| dialect.id() == id).cloned().ok_or_else(|| {
            let known: Vec<_> = Self::ids().collect();
            let message = format!("unknown built-in dialect{}", near::suggestion(id, known));
            Error::new(ErrorCode::DialectUnknown, message)
        })
    }

    /// The built-in dialect `okta`.
    pub fn okta() -> Self {
        Self::known("okta")
    }

    /// The built-in dialect `govuk-one-login`.
    pub fn govuk_one_login() -> Self {
        Self::known("govuk-one-login")
    }

    /// A built-in dialect by an id that this file lists.
    fn known(id: &str) -> Self {
        DIALECTS.iter().find(|dialect| dialect.id() == id).cloned().unwrap_or_default()
    }

    /// Reads a dialect of your own. `extends` names a built-in one, `ssf-1.0` by default; only what differs need be
    /// written. The settings are described in `core/catalogue/receivers/ssf-1.0.toml`.
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::parse(text, |id| Self::built_in(id).ok())
    }

    /// Reads a dialect that extends `base`, whatever its `extends` says.
    pub fn extended(&self, text: &str) -> Result<Self> {
        Self::parse(text, |_| Some(self.clone()))
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.0.data.id
    }

    /// Its title, for people.
    pub fn title(&self) -> &str {
        &self.0.data.title
    }

    /// Where its settings were found.
    pub fn source(&self) -> &str {
        &self.0.data.source
    }

    /// The path of the push endpoint under the receiver's base URL, if it is the same for all.
    pub fn push_path(&self) -> Option<&str> {
        self.0.data.delivery.path.as_deref()
    }

    /// Whether the receiver takes events of this type.
    ///
    /// ```
    /// use ssf_transmitter::{Dialect, catalogue::EventType};
    ///
    /// let event = EventType::by_name("caep.credential-change")?;
    /// assert!(Dialect::default().takes(event) && !Dialect::okta().takes(event));
    /// # Ok::<(), ssf_transmitter::Error>(())
    /// ```
    pub fn takes(&self, event: &EventType) -> bool {
        self.takes_any_event() || self.event_rules(event.uri, Some(event)).is_some()
    }

    /// Whether the receiver takes events of all types, those that the catalogue does not know among them.
    pub fn takes_any_event(&self) -> bool {
        !self.data().accept.only_listed
    }

    /// Whether a receiver without credentials is a mistake.
    pub fn requires_authorization(&self) -> bool {
        self.0.data.delivery.authorization == Authorization::Required
    }

    pub(crate) fn data(&self) -> &Data {
        &self.0.data
    }

    fn parse(text: &str, base: impl Fn(&str) -> Option<Self>) -> Result<Self> {
        let invalid = |message: &str| Error::new(ErrorCode::DialectInvalid, message);
        let unreadable = |error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(1, |before| before.matches('\n').count() + 1);
            invalid(&format!("line {line}: {}", error.message()))
        };
        let mut own = DeTable::parse(text).map_err(unreadable)?;
        let extends = match own.get_mut().remove("extends").map(Spanned::into_inner) {
            None => None,
            Some(DeValue::String(id)) => Some(id),
            Some(_) => return Err(invalid("extends must be the id of a dialect").at("/extends")),
        };
        let base = match base(extends.as_deref().unwrap_or(BASE)) {
            Some(base) if own.get_ref().contains_key("id") => Some(base),
            Some(_) => return Err(invalid("a dialect needs a unique id").at("/id")),
            // The first of the built-in dialects has nothing to extend.
            None if extends.is_none() => None,
            None => {
                let suggestion =
                    near::suggestion(extends.as_deref().unwrap_or(BASE), Self::ids().collect::<Vec<_>>());
                return Err(invalid(&format!("extends names no known dialect{suggestion}")).at("/extends"));
            }
        };

        // Merged before they are read, and with their places in the texts. Only the last can be wrong.
        let mut texts = base.map_or_else(Vec::new, |base| base.0.texts.clone());
        let read = |text| DeTable::parse(text).map_err(unreadable);
        let mut merged = texts.iter().try_fold(DeTable::new(), |mut merged, text| {
            merge(&mut merged, read(text)?.into_inner());
            Ok::<_, Error>(merged)
        })?;
        let span = own.span();
        merge(&mut merged, own.into_inner());
        merged.remove("extends");
        let data = Data::deserialize(Deserializer::from(Spanned::new(span, merged))).map_err(unreadable)?;
        data.check()?;
        texts.push(text.into());
        Ok(Self(Arc::new(Loaded { data, texts })))
    }
}

/// Tables are merged member by member, everything else is replaced.
fn merge<'a>(base: &mut DeTable<'a>, over: DeTable<'a>) {
    for (key, value) in over {
        let both = match (base.get_mut(&key).map(Spanned::get_mut), value.get_ref()) {
            (Some(DeValue::Table(base)), DeValue::Table(_)) => Some(base),
            _ => None,
        };
        match (both, value) {
            (Some(base), value) => {
                if let DeValue::Table(over) = value.into_inner() {
                    merge(base, over);
                }
            }
            (None, value) => {
                base.insert(key, value);
            }
        }
    }
}

impl Default for Dialect {
    /// `ssf-1.0`.
    fn default() -> Self {
        DIALECTS[0].clone()
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Dialect({})", self.id())
    }
}
