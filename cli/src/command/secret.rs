//! Secrets of the command: a command line is visible to others, so an argument says where a secret is, and not what it is.

use std::{env, fs, str::FromStr};

use zeroize::Zeroizing;

use super::Result;

/// Where a secret is: `env:NAME` or `file:PATH`.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Variable(String),
    File(String),
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Variable(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.to_owned())),
            _ => Err("write env:NAME or file:PATH: a command line is visible to others"),
        }
    }
}

impl Place {
    /// The secret, without the newline and byte order mark that editors add.
    pub(super) fn read(&self) -> Result<Zeroizing<String>> {
        let text = Zeroizing::new(match self {
            Self::Variable(name) => env::var(name).map_err(|_| format!("the variable {name} is not set"))?,
            Self::File(path) => fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?,
        });
        Ok(Zeroizing::new(text.trim_start_matches('\u{feff}').trim().to_owned()))
    }
}
