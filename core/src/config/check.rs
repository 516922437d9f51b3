//! Checks a file against the list of keys, and reads it.

use serde::Deserialize as _;
use toml::{
    Deserializer, Spanned,
    de::{DeTable, DeValue},
};

use super::{
    agreement,
    place::{Places, line_of},
    settings::Settings,
    source::invalid,
    table::{TABLES, Table, top_name},
    value,
};
use crate::{
    error::{Error, pointer_step},
    finding::printable,
    near,
};

/// Reads a text, or finds all that is wrong with it.
pub(super) fn read(text: &str, places: &mut Places) -> Result<Settings, Vec<Error>> {
    let document = DeTable::parse(text).map_err(|error| {
        // The parser's messages quote nothing of the text.
        let line = error.span().map(|span| line_of(text, span.start));
        vec![places.at_line(line, invalid(&format!("this is not TOML: {}", error.message())))]
    })?;
    let mut check = Check { text, places, problems: Vec::new() };
    check.top(document.get_ref());
    let Check { mut problems, places, .. } = check;
    if problems.is_empty() {
        let settings = Settings::deserialize(Deserializer::from(document))
            .map_err(|_| vec![Error::internal("the list of settings and their types do not agree")])?;
        agreement::check(&settings, |pointer, message| {
            problems.push(places.place(pointer, invalid(message)));
        });
        if problems.is_empty() {
            return Ok(settings);
        }
    }
    // As they are in the file.
    problems.sort_by_key(|error| error.pointer().and_then(|pointer| places.line(pointer)));
    Err(problems)
}

struct Check<'a> {
    text: &'a str,
    places: &'a mut Places,
    problems: Vec<Error>,
}

type Entry<'a, 'i> = (&'a Spanned<std::borrow::Cow<'i, str>>, &'a Spanned<DeValue<'i>>);

impl Check<'_> {
    fn top(&mut self, document: &DeTable<'_>) {
        let (top, tables) = (&TABLES[0], &TABLES[1..]);
        for entry @ (name, value) in document {
            let Some(table) = tables.iter().find(|table| top_name(table) == name.get_ref()) else {
                self.entry("", top, entry);
                continue;
            };
            let pointer = self.visit("", name);
            let Some(content) = self.table(&pointer, value) else { continue };
            if table.names_below().is_none() {
                self.keys(&pointer, table, content);
                continue;
            }
            for (name, value) in content {
                let pointer = self.visit(&pointer, name);
                if let Some(content) = self.table(&pointer, value) {
                    self.keys(&pointer, table, content);
                }
            }
        }
    }

    fn keys(&mut self, pointer: &str, table: &Table, content: &DeTable<'_>) {
        for entry in content {
            self.entry(pointer, table, entry);
        }
    }

    fn entry(&mut self, pointer: &str, table: &Table, (name, value): Entry<'_, '_>) {
        let pointer = self.visit(pointer, name);
        let checked = match table.key(name.get_ref()) {
            Some(key) => value::check(key, value.get_ref()),
            None => Err(unknown(table, name.get_ref())),
        };
        if let Err(error) = checked {
            self.problems.push(self.places.place(&pointer, error));
        }
    }

    /// Notes the line of a key.
    fn visit(&mut self, pointer: &str, name: &Spanned<std::borrow::Cow<'_, str>>) -> String {
        let pointer = format!("{pointer}{}", pointer_step(name.get_ref()));
        self.places.lines.insert(pointer.clone(), line_of(self.text, name.span().start));
        pointer
    }

    fn table<'a, 'i>(&mut self, pointer: &str, value: &'a Spanned<DeValue<'i>>) -> Option<&'a DeTable<'i>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.problems.push(self.places.place(pointer, invalid("this must be a table")));
        None
    }
}

/// A key that the table does not have: it may be misspelt, or belong to another one.
fn unknown(table: &Table, name: &str) -> Error {
    let top = &TABLES[0];
    let is_top = std::ptr::eq(table, top);
    let others = TABLES.iter().filter(|other| !std::ptr::eq(*other, table));
    let elsewhere = others.clone().find(|other| other.key(name).is_some());
    let hint = match elsewhere {
        Some(other) if std::ptr::eq(other, top) => "; it belongs before the first table".to_owned(),
        Some(other) => format!("; it belongs into [{}]", other.name),
        None => {
            let own = table.keys.iter().map(|key| key.name.as_str());
            let tables = TABLES[1..].iter().filter(|_| is_top).map(top_name);
            near::suggestion(name, own.chain(tables))
        }
    };
    invalid(&format!("unknown key {}{hint}", printable(name)))
}
