//! Families of events, and the lists that their members name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FamilyFile {
    pub(crate) family: Family,
    /// Members that every event of the family may carry; copied into each of them.
    #[serde(default)]
    pub(super) common: Vec<Field>,
    #[serde(rename(deserialize = "event"))]
    pub(crate) events: Vec<EventType>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    pub(crate) id: String,
    pub(super) title: String,
    pub(super) doc: String,
    pub(super) specification: String,
    pub(super) url: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventType {
    pub(super) id: String,
    pub(super) uri: String,
    pub(super) title: String,
    pub(super) doc: String,
    pub(super) section: String,
    pub(super) status: Status,
    #[serde(default)]
    pub(super) replaced_by: Option<String>,
    /// Travels beside another event and has no subject of its own.
    #[serde(default)]
    pub(super) companion: bool,
    /// The SET must have the claim `txn`.
    #[serde(default)]
    pub(super) requires_txn: bool,
    /// Members that must not be there.
    #[serde(default)]
    pub(super) forbidden: Vec<String>,
    pub(super) subject: EventSubject,
    #[serde(default, rename(deserialize = "field"))]
    pub(super) fields: Vec<Field>,
    /// Names in braces in the URI, such as `event_name`.
    #[serde(default, skip_deserializing)]
    pub(super) uri_parameters: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Final,
    Deprecated,
    Vendor,
    Draft,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventSubject {
    pub(super) placement: Placement,
    #[serde(default)]
    pub(super) event_member: EventMember,
    #[serde(default)]
    pub(super) shape: Shape,
    #[serde(default)]
    pub(super) formats: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Placement {
    SubId,
    Event,
    None,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum EventMember {
    Required,
    Optional,
    #[default]
    Forbidden,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    #[default]
    Modern,
    BareComplex,
    Legacy,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: FieldType,
    #[serde(default, rename = "enum")]
    pub(super) enumeration: Option<String>,
    #[serde(default)]
    pub(super) unit: Unit,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) non_empty: bool,
    /// Members of an object whose type is known.
    #[serde(default)]
    pub(super) members: BTreeMap<String, MemberKind>,
    /// Whether the object must have one of them.
    #[serde(default)]
    pub(super) any_member: bool,
    /// The one receiver that knows the member; others ignore it.
    #[serde(default)]
    pub(super) only_for: Option<String>,
    pub(super) doc: String,
    #[serde(default)]
    pub(super) section: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FieldType {
    String,
    Boolean,
    Integer,
    Timestamp,
    Localized,
    Enum,
    List,
    Subject,
    Object,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum MemberKind {
    String,
    Number,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    #[default]
    S,
    Ms,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnumType {
    pub(super) name: String,
    pub(super) doc: String,
    pub(super) section: String,
    pub(super) open: bool,
    pub(super) values: Vec<String>,
}
