//! Conversion of values that callers pass: `tests/vectors/values.json`, whose cases the tests of all languages run.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::Result;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Values {
    values: Vec<GivenValue>,
    texts: Vec<GivenText>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct GivenValue {
    id: String,
    value: String,
    /// How it is written in a language.
    given: BTreeMap<String, String>,
    /// Why a language does not have it.
    #[serde(default)]
    absent: BTreeMap<String, String>,
    outcome: Outcome,
    /// The outcome in one language only.
    #[serde(default)]
    except: BTreeMap<String, Outcome>,
    /// Where in a SET it is tried; anywhere if there are none.
    #[serde(default)]
    places: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct GivenText {
    name: String,
    text: String,
    outcome: Outcome,
    #[serde(default)]
    except: BTreeMap<String, Outcome>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    json: Option<String>,
    #[serde(default)]
    findings: Vec<String>,
    code: Option<String>,
    pointer: Option<String>,
    why: Option<String>,
}

impl Values {
    pub(super) fn read(root: &Path) -> Result<Self> {
        let path = root.join("tests/vectors/values.json");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(super) fn problems(&self) -> impl Iterator<Item = String> {
        self.values.iter().filter_map(GivenValue::problem)
    }
}

impl GivenValue {
    fn problem(&self) -> Option<String> {
        let mut languages: Vec<_> = self.given.keys().chain(self.absent.keys()).map(String::as_str).collect();
        languages.sort_unstable();
        (languages != ["node", "python", "rust", "swift"])
            .then(|| format!("{}: each language has this value, or says why not", self.id))
    }
}
