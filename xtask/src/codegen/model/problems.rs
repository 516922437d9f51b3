//! What is wrong with the catalogue as a whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    Catalogue,
    events::{FieldType, Status, Unit},
};

impl Catalogue {
    /// Duplicates, dangling names, missing docs, and events and rules without a test case.
    pub(super) fn problems(&self, root: &Path) -> Vec<String> {
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
