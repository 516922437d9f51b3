//! Dialects: what one kind of receiver wants of a SET, as data.
//!
//! No two receivers want the same SET. A dialect says where the subject goes and in which form, which claims and header
//! members are sent, in which unit times are, and which events with which members are taken. The built-in ones are TOML
//! files (`core/catalogue/receivers/`); a user's own has the same form and mostly `extends` one of them.

mod data;
mod interpret;

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

pub(crate) use data::{AudienceForm, Success, Txn};
use data::{Authorization, Data};

use crate::error::{Error, ErrorCode, Result};

/// The files of the built-in dialects; a dialect comes after the one that it extends.
const BUILT_IN: &[&str] = &[
    include_str!("../../catalogue/receivers/ssf-1.0.toml"),
    include_str!("../../catalogue/receivers/caep-interop.toml"),
    include_str!("../../catalogue/receivers/okta.toml"),
    include_str!("../../catalogue/receivers/govuk-one-login.toml"),
    include_str!("../../catalogue/receivers/govuk-app.toml"),
    include_str!("../../catalogue/receivers/google-workspace.toml"),
    include_str!("../../catalogue/receivers/login-gov.toml"),
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

/// What one kind of receiver wants of a SET. Cheap to clone.
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
    /// The settings as read, with those of the base: what another dialect may extend.
    table: toml::Table,
}

impl Dialect {
    /// The ids of the built-in dialects.
    pub fn ids() -> impl Iterator<Item = &'static str> {
        DIALECTS.iter().map(Self::id)
    }

    /// The built-in dialect with this id: `ssf-1.0`, `caep-interop`, `okta`, `govuk-one-login`, `govuk-app`,
    /// `google-workspace` or `login-gov`.
    pub fn built_in(id: &str) -> Result<Self> {
        DIALECTS.iter().find(|dialect| dialect.id() == id).cloned().ok_or_else(|| {
            let known: Vec<_> = Self::ids().collect();
            let message = format!("there is no built-in dialect of this id; known are {}", known.join(", "));
            Error::new(ErrorCode::DialectUnknown, message)
        })
    }

    /// The built-in dialect `okta`.
    pub fn okta() -> Self {
        DIALECTS[2].clone()
    }

    /// The built-in dialect `govuk-one-login`.
    pub fn govuk_one_login() -> Self {
        DIALECTS[3].clone()
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

    /// Whether a receiver without credentials is a mistake.
    pub fn requires_authorization(&self) -> bool {
        self.0.data.delivery.authorization == Authorization::Required
    }

    pub(crate) fn data(&self) -> &Data {
        &self.0.data
    }

    fn parse(text: &str, base: impl Fn(&str) -> Option<Self>) -> Result<Self> {
        let invalid = |message: String| Error::new(ErrorCode::DialectInvalid, message);
        let mut table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| invalid(error.to_string()))?;
        let extends = match table.remove("extends") {
            None => "ssf-1.0".to_owned(),
            Some(toml::Value::String(id)) => id,
            Some(_) => return Err(invalid("extends is the id of a dialect".to_owned()).at("/extends")),
        };
        // The first of the built-in dialects has nothing to extend.
        if let Some(base) = base(&extends) {
            if !table.contains_key("id") {
                return Err(invalid("a dialect needs an id of its own".to_owned()).at("/id"));
            }
            let mut merged = base.0.table.clone();
            merge(&mut merged, table);
            table = merged;
        } else if table.get("id").and_then(toml::Value::as_str) != Some(&extends) {
            return Err(invalid(format!("extends names no known dialect: {extends}")).at("/extends"));
        }
        let data: Data =
            table.clone().try_into().map_err(|error: toml::de::Error| invalid(error.to_string()))?;
        data.check()?;
        Ok(Self(Arc::new(Loaded { data, table })))
    }
}

/// Tables are merged member by member, everything else is replaced.
fn merge(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => merge(base, over),
            (_, value) => {
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
