//! The catalogue as read from `core/catalogue/`, checked: unknown keys, duplicate ids, missing docs, dangling names and
//! events
//! and rules without a test case are refused.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::values::Values;
use crate::Result;

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

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FamilyFile {
    pub(crate) family: Family,
    /// Members that every event of the family may carry; copied into each of them.
    #[serde(default)]
    common: Vec<Field>,
    #[serde(rename(deserialize = "event"))]
    pub(crate) events: Vec<EventType>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    pub(crate) id: String,
    title: String,
    doc: String,
    specification: String,
    url: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventType {
    id: String,
    uri: String,
    title: String,
    doc: String,
    section: String,
    status: Status,
    #[serde(default)]
    replaced_by: Option<String>,
    /// Travels beside another event and has no subject of its own.
    #[serde(default)]
    companion: bool,
    /// The SET must have the claim `txn`.
    #[serde(default)]
    requires_txn: bool,
    /// Members that must not be there.
    #[serde(default)]
    forbidden: Vec<String>,
    subject: EventSubject,
    #[serde(default, rename(deserialize = "field"))]
    fields: Vec<Field>,
    /// Names in braces in the URI, such as `event_name`.
    #[serde(default, skip_deserializing)]
    uri_parameters: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Final,
    Deprecated,
    Vendor,
    Draft,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct EventSubject {
    placement: Placement,
    #[serde(default)]
    event_member: EventMember,
    #[serde(default)]
    shape: Shape,
    #[serde(default)]
    formats: Vec<String>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Placement {
    SubId,
    Event,
    None,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum EventMember {
    Required,
    Optional,
    #[default]
    Forbidden,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    #[default]
    Modern,
    BareComplex,
    Legacy,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    kind: FieldType,
    #[serde(default, rename = "enum")]
    enumeration: Option<String>,
    #[serde(default)]
    unit: Unit,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    non_empty: bool,
    /// Members of an object whose type is known.
    #[serde(default)]
    members: BTreeMap<String, MemberKind>,
    /// Whether the object must have one of them.
    #[serde(default)]
    any_member: bool,
    /// The one receiver that knows the member; others ignore it.
    #[serde(default)]
    only_for: Option<String>,
    doc: String,
    #[serde(default)]
    section: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum FieldType {
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
enum MemberKind {
    String,
    Number,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    #[default]
    S,
    Ms,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct EnumType {
    name: String,
    doc: String,
    section: String,
    open: bool,
    values: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Format {
    name: String,
    #[serde(default)]
    constructor: Option<String>,
    title: String,
    doc: String,
    section: String,
    status: Status,
    /// Whether members beyond the listed ones are allowed, and what they hold.
    #[serde(default)]
    open: Open,
    members: Vec<FormatMember>,
    example: serde_json::Value,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Open {
    #[default]
    No,
    Any,
    Subject,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct FormatMember {
    name: String,
    #[serde(rename = "type")]
    kind: MemberType,
    #[serde(default)]
    check: Check,
    #[serde(default)]
    required: bool,
    doc: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum MemberType {
    String,
    Strings,
    Subject,
    Subjects,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Check {
    #[default]
    NonEmpty,
    AcctUri,
    Email,
    E164,
    Did,
    Uri,
    IpAddress,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ErrorType {
    code: String,
    kind: ErrorKind,
    doc: String,
    remedy: String,
    #[serde(default)]
    retry: Retry,
    /// HTTP statuses of an answer that mean this: `429`, `5xx`, or `other` for all that no code names.
    #[serde(default)]
    statuses: Vec<String>,
    /// Codes of RFC 8935 §2.4 that mean this when they come with 400.
    #[serde(default)]
    errs: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Retry {
    #[default]
    Never,
    Later,
    ByCaller,
    AfterRenewal,
    AfterSigningAgain,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum ErrorKind {
    Config,
    Key,
    Validation,
    Signing,
    Token,
    Delivery,
    Transport,
    Api,
    Deadline,
    Internal,
}

/// What `lint` looks for.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    id: String,
    severity: Severity,
    effect: Effect,
    /// The error of `emit` where the finding keeps a SET from being sent.
    code: String,
    /// The code of RFC 8935 §2.4 with which a receiver answers.
    #[serde(default)]
    err: Option<String>,
    source: String,
    doc: String,
    remedy: String,
}

/// What a code means with which receivers refuse a SET.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    err: String,
    source: String,
    cause: String,
    remedy: String,
}

/// Anything unusual about the answer to a delivered SET.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ReceiptNote {
    name: String,
    doc: String,
}

/// Why a SET that was answered with a success may not have arrived.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ReceptionCause {
    id: String,
    cause: String,
    remedy: String,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Severity {
    Note,
    Warning,
    Error,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Effect {
    Refuses,
    Drops,
    Misreads,
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

    fn problems(&self, root: &Path) -> Vec<String> {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        let mut note = |problem: String| problems.push(problem);
        let enums: BTreeMap<_, _> = self.enums.iter().map(|item| (item.name.as_str(), item)).collect();
        let events: BTreeSet<_> =
            self.families.iter().flat_map(|family| &family.events).map(|event| event.id.as_str()).collect();

        for family in &self.families {
            for event in &family.events {
                let id = &event.id;
                if !seen.insert(id.clone()) || !seen.insert(event.uri.clone()) {
                    note(format!("{id}: this id or URI occurs twice"));
                }
                if id.split_once('.').map(|(prefix, _)| prefix) != Some(&*family.family.id) {
                    note(format!("{id}: the id starts with the family"));
                }
                if event.doc.is_empty() || event.fields.iter().any(|field| field.doc.is_empty()) {
                    note(format!("{id}: an event and each of its members need a doc"));
                }
                if event.replaced_by.as_ref().is_some_and(|other| !events.contains(other.as_str())) {
                    note(format!("{id}: replaced_by names no event"));
                }
                if (event.status == Status::Deprecated) != event.replaced_by.is_some() {
                    note(format!("{id}: a deprecated event, and no other, is replaced_by another"));
                }
                let mut members = BTreeSet::new();
                for field in &event.fields {
                    if !members.insert(&field.name) {
                        note(format!("{id}: member {} occurs twice", field.name));
                    }
                    let known = field.enumeration.as_deref().map(|name| enums.contains_key(name));
                    if known != (field.kind == FieldType::Enum).then_some(true) {
                        note(format!("{id}: member {}: `enum` names a list of enums.toml", field.name));
                    }
                    if field.kind != FieldType::Object && (field.any_member || !field.members.is_empty()) {
                        note(format!("{id}: member {}: only objects have members", field.name));
                    }
                    if field.unit == Unit::Ms && field.kind != FieldType::Timestamp {
                        note(format!("{id}: member {}: only timestamps have a unit", field.name));
                    }
                }
                if !root.join(format!("tests/vectors/events/{id}.json")).is_file() {
                    note(format!("{id}: no test case; write tests/vectors/events/{id}.json"));
                }
            }
        }
        for item in &self.enums {
            if !seen.insert(item.name.clone()) || item.values.is_empty() || item.doc.is_empty() {
                note(format!("{}: a list occurs once, has values and a doc", item.name));
            }
        }
        for item in &self.formats {
            if !seen.insert(item.name.clone()) || item.doc.is_empty() {
                note(format!("{}: a format occurs once and has a doc", item.name));
            }
        }
        for item in &self.errors {
            if !seen.insert(item.code.clone()) || item.doc.is_empty() || item.remedy.is_empty() {
                note(format!("{}: a code occurs once, with doc and remedy", item.code));
            }
            for status in item.statuses.iter().chain(&item.errs) {
                if !seen.insert(format!("answer {status}")) {
                    note(format!("{}: {status} means another code already", item.code));
                }
            }
        }
        for item in &self.notes {
            if !seen.insert(format!("note {}", item.name)) || item.doc.is_empty() {
                note(format!("{}: a note occurs once and has a doc", item.name));
            }
        }
        for item in &self.causes {
            let is_new = seen.insert(format!("cause {}", item.id));
            if !is_new || [&item.cause, &item.remedy].contains(&&String::new()) {
                note(format!("{}: a cause occurs once, with cause and remedy", item.id));
            }
        }
        for rule in &self.rules {
            let id = &rule.id;
            if !seen.insert(format!("rule {id}"))
                || [&rule.doc, &rule.remedy, &rule.source].contains(&&String::new())
            {
                note(format!("{id}: a rule occurs once, with doc, remedy and source"));
            }
            if !self.errors.iter().any(|error| error.code == rule.code) {
                note(format!("{id}: {} is no error code", rule.code));
            }
            if !root.join(format!("tests/vectors/lint/{id}.json")).is_file() {
                note(format!("{id}: no test case; write tests/vectors/lint/{id}.json"));
            }
        }
        self.values.problems().for_each(note);
        problems
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
