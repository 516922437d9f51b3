//! The catalogue as read from `core/catalogue/`, checked: unknown keys, duplicate ids, missing docs, dangling names, and
//! events and rules without a test case are rejected.

mod events;
mod formats;
mod problems;
mod texts;

use std::{fs, path::Path};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::values::Values;
use crate::Result;
use events::EnumType;
pub(crate) use events::FamilyFile;
use formats::Format;
use texts::{Answer, ErrorType, ReceiptNote, ReceptionCause, Rule};

#[derive(Serialize)]
pub(crate) struct Catalogue {
    pub(crate) families: Vec<FamilyFile>,
    enums: Vec<EnumType>,
    formats: Vec<Format>,
    errors: Vec<ErrorType>,
    rules: Vec<Rule>,
    answers: Vec<Answer>,
    notes: Vec<ReceiptNote>,
    causes: Vec<ReceptionCause>,
    values: Values,
}

/// The families in the order in which tables show them.
const FAMILIES: &[&str] = &["caep", "risc", "ssf", "okta", "govuk", "login-gov", "scim", "oauth"];

impl Catalogue {
    /// Reads and checks the catalogue of the checkout at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Enums {
            #[serde(rename = "enum")]
            enums: Vec<EnumType>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Formats {
            #[serde(rename = "format")]
            formats: Vec<Format>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Errors {
            #[serde(rename = "error")]
            errors: Vec<ErrorType>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Rules {
            #[serde(rename = "rule")]
            rules: Vec<Rule>,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Answers {
            #[serde(rename = "answer")]
            list: Vec<Answer>,
            #[serde(rename = "note")]
            notes: Vec<ReceiptNote>,
            #[serde(rename = "cause")]
            causes: Vec<ReceptionCause>,
        }

        let folder = root.join("core/catalogue");
        let on_disk = fs::read_dir(folder.join("events"))?.count();
        if on_disk != FAMILIES.len() {
            return Err(
                format!("{on_disk} files in core/catalogue/events, {} in FAMILIES", FAMILIES.len()).into()
            );
        }
        let Answers { list: answers, notes, causes } = read_toml(&folder.join("answers.toml"))?;
        let mut families = Vec::new();
        for id in FAMILIES {
            let mut file: FamilyFile = read_toml(&folder.join(format!("events/{id}.toml")))?;
            for event in &mut file.events {
                event.fields.extend(file.common.iter().cloned());
                event.uri_parameters = braced(&event.uri);
            }
            families.push(file);
        }
        let catalogue = Self {
            families,
            enums: read_toml::<Enums>(&folder.join("enums.toml"))?.enums,
            formats: read_toml::<Formats>(&folder.join("subjects.toml"))?.formats,
            errors: read_toml::<Errors>(&folder.join("errors.toml"))?.errors,
            rules: read_toml::<Rules>(&folder.join("rules.toml"))?.rules,
            answers,
            notes,
            causes,
            values: Values::read(root)?,
        };
        let problems = catalogue.problems(root);
        if problems.is_empty() { Ok(catalogue) } else { Err(problems.join("\n").into()) }
    }
}

/// The names in braces in a URI template.
fn braced(uri: &str) -> Vec<String> {
    uri.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
}
