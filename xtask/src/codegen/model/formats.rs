//! Subject formats.

use serde::{Deserialize, Serialize};

use super::events::Status;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Format {
    pub(super) name: String,
    #[serde(default)]
    pub(super) constructor: Option<String>,
    pub(super) title: String,
    pub(super) doc: String,
    pub(super) section: String,
    pub(super) status: Status,
    /// Whether members beyond the listed ones are allowed, and what they hold.
    #[serde(default)]
    pub(super) open: Open,
    pub(super) members: Vec<FormatMember>,
    pub(super) example: serde_json::Value,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Open {
    #[default]
    No,
    Any,
    Subject,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatMember {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: MemberType,
    #[serde(default)]
    pub(super) check: Check,
    #[serde(default)]
    pub(super) required: bool,
    pub(super) doc: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MemberType {
    String,
    Strings,
    Subject,
    Subjects,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Check {
    #[default]
    NonEmpty,
    AcctUri,
    Email,
    E164,
    Did,
    Uri,
    IpAddress,
}
