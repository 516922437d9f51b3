//! Takes what was sent out of what came back: SETs, tokens, credentials, subjects.

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::{base64, secret::Secret};

/// Written in place of what is taken out.
const REDACTED: &str = "[redacted]";
/// A value shorter than this is a word of everyday texts.
const SHORTEST: usize = 3;
/// A value shorter than this is taken out where it stands alone, but not within words.
const WITHIN_WORDS: usize = 8;
/// A part of a value is taken out if it is so long.
const PART: usize = 16;

/// What must not be quoted.
#[derive(Default)]
pub(crate) struct Redaction {
    values: Vec<Secret<String>>,
}

impl Redaction {
    /// With a SET: its text, who it is about, and what its events say of persons.
    pub(crate) fn set(mut self, compact: &str, claims: Option<&Map<String, Value>>) -> Self {
        self.add(compact);
        let Some(claims) = claims else { return self };
        // What the receiver complains of most, and tells nothing of a person.
        let public: Vec<&str> =
            ["iss", "aud"].iter().filter_map(|name| claims.get(*name)?.as_str()).collect();
        for (name, value) in claims {
            match name.as_str() {
                "sub" | "sub_id" => self.subject(value, &public),
                "events" => self.event(value, &public),
                _ => {}
            }
        }
        self
    }

    /// With the value of a header `Authorization`.
    pub(crate) fn authorization(mut self, value: &str) -> Self {
        self.add(value);
        if let Some((scheme, credentials)) = value.split_once(' ') {
            self.add(credentials);
            // RFC 7617 §2.
            let pair =
                scheme.eq_ignore_ascii_case("Basic").then(|| base64::decode_standard(credentials)).flatten();
            if let Some(pair) = pair.and_then(|pair| String::from_utf8(pair).ok().map(Secret::new)) {
                self.add(pair.expose());
                self.add(pair.expose().split_once(':').map_or("", |(_, password)| password));
            }
        }
        self
    }

    /// With a secret, as it is and form-encoded.
    pub(crate) fn secret(mut self, value: &str) -> Self {
        self.add(value);
        self
    }

    /// The text without what was sent, control characters, and white space but single spaces.
    pub(crate) fn apply(&self, text: &str) -> String {
        let text = cleaned(text);
        let folded: Vec<char> = text.iter().map(|letter| fold(*letter)).collect();
        let mut hidden = vec![false; text.len()];
        for value in &self.values {
            hide_value(&folded, value.expose(), &mut hidden);
        }
        self.hide_runs(&text, &mut hidden);
        let mut shown = String::with_capacity(text.len());
        let mut before = false;
        for (letter, hidden) in text.into_iter().zip(hidden) {
            match (hidden, before) {
                (true, false) => shown.push_str(REDACTED),
                (true, true) => {}
                (false, _) => shown.push(letter),
            }
            before = hidden;
        }
        shown
    }

    fn add(&mut self, value: &str) {
        if value.chars().count() < SHORTEST {
            return;
        }
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        if encoded != value {
            self.values.push(encoded.into());
        }
        self.values.push(value.into());
    }

    /// Who a SET is about.
    fn subject(&mut self, value: &Value, public: &[&str]) {
        match value {
            Value::String(text) if public.contains(&text.as_str()) => {}
            Value::String(text) => {
                self.add(text);
                // The same person, written without the scheme of a URI or the plus of a number.
                for prefix in ["acct:", "mailto:", "tel:+", "tel:", "+"] {
                    self.add(text.strip_prefix(prefix).unwrap_or_default());
                }
            }
            Value::Number(number) => self.add(&number.to_string()),
            Value::Array(values) => values.iter().for_each(|value| self.subject(value, public)),
            Value::Object(members) => {
                let names_a_person = |name: &str| !["format", "subject_type", "iss"].contains(&name);
                let members = members.iter().filter(|(name, _)| names_a_person(name));
                members.for_each(|(_, value)| self.subject(value, public));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// What an event says: its subject, new addresses, data of a user, and free text.
    fn event(&mut self, value: &Value, public: &[&str]) {
        match value {
            Value::String(text) if text.contains(['@', ' ']) || text.starts_with('+') => {
                self.subject(value, public);
            }
            Value::Array(values) => values.iter().for_each(|value| self.event(value, public)),
            Value::Object(members) => {
                for (name, value) in members {
                    if ["subject", "new-value", "data"].contains(&name.as_str()) {
                        self.subject(value, public);
                    } else {
                        self.event(value, public);
                    }
                }
            }
            _ => {}
        }
    }

    /// Runs of the letters of base64url: anything that begins as a JWS does, and parts of what was sent.
    fn hide_runs(&self, text: &[char], hidden: &mut [bool]) {
        let is_letter = |letter: &char| letter.is_ascii_alphanumeric() || ['-', '_'].contains(letter);
        let mut start = 0;
        while start < text.len() {
            let length = text[start..].iter().take_while(|letter| is_letter(letter)).count();
            let run: String = text[start..start + length].iter().collect();
            let is_part = || self.values.iter().any(|value| value.expose().contains(&run));
            if run.len() >= PART && (run.starts_with("eyJ") || is_part()) {
                // The parts of a JWS stand between dots (RFC 7515 §7.1).
                let is_jws =
                    |letter: &&char| is_letter(letter) || (run.starts_with("eyJ") && **letter == '.');
                let length = text[start..].iter().take_while(is_jws).count();
                hidden[start..start + length].fill(true);
                start += length;
            } else {
                start += length.max(1);
            }
        }
    }
}

/// Hides a value, whatever its case.
fn hide_value(text: &[char], value: &str, hidden: &mut [bool]) {
    let value: Vec<char> = value.chars().map(fold).collect();
    let is_word = |at: Option<&char>| at.is_some_and(|letter| letter.is_alphanumeric());
    let mut at = 0;
    while at + value.len() <= text.len() {
        let end = at + value.len();
        let stands_alone =
            || !is_word(at.checked_sub(1).and_then(|at| text.get(at))) && !is_word(text.get(end));
        if text[at..end] == value && (value.len() >= WITHIN_WORDS || stands_alone()) {
            hidden[at..end].fill(true);
            at = end;
        } else {
            at += 1;
        }
    }
}

/// In lower case, letter by letter.
fn fold(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

/// Without what steers terminals and the direction of writing, and with single spaces.
fn cleaned(text: &str) -> Vec<char> {
    let mut cleaned: Vec<char> = Vec::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            letter if letter.is_whitespace() || letter.is_control() => {
                if cleaned.last().is_some_and(|last| *last != ' ') {
                    cleaned.push(' ');
                }
            }
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {}
            letter => cleaned.push(letter),
        }
    }
    if cleaned.last() == Some(&' ') {
        cleaned.pop();
    }
    cleaned
}
