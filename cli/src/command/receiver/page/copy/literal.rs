//! Values of JSON as literals of other languages.

use serde_json::{Map, Number, Value};

use super::text;

/// The largest integer that a number of JavaScript holds exactly.
const SAFE_INTEGER: u64 = 9_007_199_254_740_991;

/// How a language writes values of JSON.
pub(super) struct Literals {
    null: &'static str,
    no: &'static str,
    yes: &'static str,
    open: &'static str,
    close: &'static str,
    empty: &'static str,
    text: fn(&str) -> String,
    name: fn(&str) -> String,
    number: fn(&Number) -> String,
}

pub(super) const PYTHON: Literals = Literals {
    null: "None",
    no: "False",
    yes: "True",
    open: "{",
    close: "}",
    empty: "{}",
    text: text::python,
    name: text::python,
    number: Number::to_string,
};

pub(super) const NODE: Literals = Literals {
    null: "null",
    no: "false",
    yes: "true",
    open: "{",
    close: "}",
    empty: "{}",
    text: text::node,
    name: node_name,
    number: node_number,
};

pub(super) const SWIFT: Literals = Literals {
    null: "nil",
    no: "false",
    yes: "true",
    open: "[",
    close: "]",
    empty: "[:]",
    text: text::swift,
    name: text::swift,
    number: swift_number,
};

/// The plain name `__proto__` would set the prototype.
fn node_name(name: &str) -> String {
    let written = text::node(name);
    if name == "__proto__" { format!("[{written}]") } else { written }
}

fn node_number(number: &Number) -> String {
    let is_unsafe = number.as_i64().map_or(number.is_u64(), |integer| integer.unsigned_abs() > SAFE_INTEGER);
    if is_unsafe { format!("{number}n") } else { number.to_string() }
}

fn swift_number(number: &Number) -> String {
    let is_unsigned = number.is_u64() && !number.is_i64();
    if is_unsigned { format!(".unsigned({number})") } else { number.to_string() }
}

impl Literals {
    /// A value that begins on a line with this indent. Objects have a line for each member.
    pub(super) fn value(&self, value: &Value, indent: usize) -> String {
        match value {
            Value::Null => self.null.to_owned(),
            Value::Bool(is_true) => if *is_true { self.yes } else { self.no }.to_owned(),
            Value::Number(number) => (self.number)(number),
            Value::String(text) => (self.text)(text),
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.value(item, indent)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Object(members) => self.object(members, indent),
        }
    }

    pub(super) fn object(&self, members: &Map<String, Value>, indent: usize) -> String {
        if members.is_empty() {
            return self.empty.to_owned();
        }
        let (outer, inner) = (" ".repeat(indent), " ".repeat(indent + 4));
        let lines = members.iter().map(|(name, value)| {
            format!("{inner}{}: {},\n", (self.name)(name), self.value(value, indent + 4))
        });
        format!("{}\n{}{outer}{}", self.open, lines.collect::<String>(), self.close)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{NODE, PYTHON, SWIFT};

    #[test]
    fn values_are_written_as_the_language_does() {
        let value = json!({
            "__proto__": { "a": [null, true, false] },
            "n": [1, -9_007_199_254_740_992_i64, 18_446_744_073_709_551_615_u64, 1.5],
            "e": {},
        });
        let python = "{\n    \"__proto__\": {\n        \"a\": [None, True, False],\n    },\n    \
                      \"n\": [1, -9007199254740992, 18446744073709551615, 1.5],\n    \"e\": {},\n}";
        assert_eq!(PYTHON.value(&value, 0), python);
        let node = "{\n    ['__proto__']: {\n        'a': [null, true, false],\n    },\n    \
                    'n': [1, -9007199254740992n, 18446744073709551615n, 1.5],\n    'e': {},\n}";
        assert_eq!(NODE.value(&value, 0), node);
        let swift = "[\n    \"__proto__\": [\n        \"a\": [nil, true, false],\n    ],\n    \
                     \"n\": [1, -9007199254740992, .unsigned(18446744073709551615), 1.5],\n    \"e\": [:],\n]";
        assert_eq!(SWIFT.value(&value, 0), swift);
    }
}
