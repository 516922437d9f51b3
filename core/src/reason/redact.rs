//! Takes what was sent out of what came back: SETs, tokens, credentials, subjects.

use std::collections::HashSet;

use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::{
    base64,
    catalogue::{EVENTS, FieldType},
    secret::Secret,
};

/// Written in place of what is taken out.
const REDACTED: &str = "[redacted]";
/// A value shorter than this is a word of everyday texts.
const SHORTEST: usize = 3;
/// A value shorter than this is taken out where it stands alone, but not within words.
const WITHIN_WORDS: usize = 8;
/// A piece of a value is taken out if it is so long.
const PIECE: usize = 12;
/// At the end of a text, which may be cut, the beginning of a value is taken out if it is so long.
const BEGINNING: usize = 8;
/// A run of letters that begins as a JWS does is taken out if it is so long.
const JWS: usize = 16;

/// What must not be quoted.
#[derive(Default)]
pub(crate) struct Redaction {
    values: Vec<Hidden>,
    /// What receivers complain of most, and tells nothing of a person: issuer and audience.
    public: Vec<String>,
}

/// A value that is taken out.
struct Hidden {
    /// In lower case, without white space.
    letters: Secret<String>,
    /// Whether pieces of it are taken out too. Free text shares words with any other.
    in_pieces: bool,
}

impl Redaction {
    /// With a SET: its text, who it is about, and what its events say of persons.
    pub(crate) fn set(mut self, compact: &str, claims: Option<&Map<String, Value>>) -> Self {
        self.add(compact);
        let Some(claims) = claims else { return self };
        let public = ["iss", "aud"].iter().filter_map(|name| claims.get(*name)?.as_str());
        self.public.extend(public.map(str::to_owned));
        for (name, value) in claims {
            match name.as_str() {
                "iss" | "aud" | "jti" | "iat" | "txn" | "toe" => {}
                "sub" | "sub_id" => self.subject(value),
                _ => self.event(value),
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
        let seen: Vec<(usize, char)> = (0..)
            .zip(&text)
            .filter(|(_, letter)| **letter != ' ')
            .map(|(at, letter)| (at, fold(*letter)))
            .collect();
        let mut hidden = vec![false; text.len()];
        for value in &self.values {
            value.hide(&text, &seen, &mut hidden);
        }
        self.hide_pieces(&seen, &mut hidden);
        hide_jws(&text, &mut hidden);
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
        let in_pieces = !value.trim().contains(char::is_whitespace);
        let encoded: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let mut forms = vec![Secret::from(value)];
        if encoded != value {
            // A space is `+` in a form, and `%20` in a URL.
            forms.push(encoded.replace('+', "%20").into());
            forms.push(encoded.into());
        }
        for form in forms {
            let letters: String =
                cleaned(form.expose()).into_iter().filter(|letter| *letter != ' ').map(fold).collect();
            self.values.push(Hidden { letters: letters.into(), in_pieces });
        }
    }

    /// Who a SET is about.
    fn subject(&mut self, value: &Value) {
        match value {
            Value::String(text) if self.public.contains(text) => {}
            Value::String(text) => {
                self.add(text);
                // The same person, written without the scheme of a URI or the plus of a number.
                for prefix in ["acct:", "mailto:", "tel:+", "tel:", "+"] {
                    self.add(text.strip_prefix(prefix).unwrap_or_default());
                }
            }
            Value::Number(number) => self.add(&number.to_string()),
            Value::Array(values) => values.iter().for_each(|value| self.subject(value)),
            Value::Object(members) => {
                let names_a_person = |name: &str| !["format", "subject_type", "iss"].contains(&name);
                let members = members.iter().filter(|(name, _)| names_a_person(name));
                members.for_each(|(_, value)| self.subject(value));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// What an event says: its subject, addresses, names of devices, data of a user, and free text.
    fn event(&mut self, value: &Value) {
        match value {
            Value::String(text) if may_identify(text) => self.subject(value),
            Value::Array(values) => values.iter().for_each(|value| self.event(value)),
            Value::Object(members) => {
                for (name, value) in members {
                    if ["subject", "new-value", "data"].contains(&name.as_str()) {
                        self.subject(value);
                    } else {
                        self.event(value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Pieces of values, such as one that the other side has cut.
    fn hide_pieces(&self, seen: &[(usize, char)], hidden: &mut [bool]) {
        let is_public = |piece: &[char]| {
            let piece: String = piece.iter().collect();
            self.public.iter().any(|public| public.to_lowercase().contains(&piece))
        };
        let values: Vec<Vec<char>> = self
            .values
            .iter()
            .filter(|value| value.in_pieces)
            .map(|value| value.letters.expose().chars().collect())
            .collect();
        let pieces: HashSet<&[char]> = values.iter().flat_map(|value| value.windows(PIECE)).collect();
        let text: Vec<char> = seen.iter().map(|(_, letter)| *letter).collect();
        for (at, piece) in text.windows(PIECE).enumerate() {
            if pieces.contains(piece) && !is_public(piece) {
                hide(&seen[at..at + PIECE], hidden);
            }
        }
        // What follows is cut off; an ellipsis may say so.
        let end = text.iter().rposition(|letter| !['.', '…'].contains(letter)).map_or(0, |last| last + 1);
        let cut = values.iter().filter_map(|value| {
            let longest = (BEGINNING..value.len().min(end + 1)).rev();
            longest.into_iter().find(|length| text[end - length..end] == value[..*length])
        });
        if let Some(length) = cut.max()
            && !is_public(&text[end - length..end])
        {
            hide(&seen[end - length..end], hidden);
        }
    }
}

impl Hidden {
    /// Hides the value, whatever its case and whatever white space is in it.
    fn hide(&self, text: &[char], seen: &[(usize, char)], hidden: &mut [bool]) {
        let value: Vec<char> = self.letters.expose().chars().collect();
        let is_word = |at: Option<&char>| at.is_some_and(|letter| letter.is_alphanumeric());
        let mut at = 0;
        while !value.is_empty() && at + value.len() <= seen.len() {
            let found = &seen[at..at + value.len()];
            let stands_alone = || {
                let (first, last) = (found[0].0, found[value.len() - 1].0);
                !is_word(first.checked_sub(1).and_then(|at| text.get(at))) && !is_word(text.get(last + 1))
            };
            let is_same = found.iter().map(|(_, letter)| letter).eq(&value);
            if is_same && (value.len() >= WITHIN_WORDS || stands_alone()) {
                hide(found, hidden);
                at += value.len();
            } else {
                at += 1;
            }
        }
    }
}

/// Hides letters, and the white space between them.
fn hide(seen: &[(usize, char)], hidden: &mut [bool]) {
    if let (Some((first, _)), Some((last, _))) = (seen.first(), seen.last()) {
        hidden[*first..=*last].fill(true);
    }
}

/// Hides everything that begins as a JWS does.
fn hide_jws(text: &[char], hidden: &mut [bool]) {
    // The parts of a JWS stand between dots (RFC 7515 §7.1).
    let is_letter = |letter: &&char| letter.is_ascii_alphanumeric() || ['-', '_', '.'].contains(*letter);
    let mut start = 0;
    while start < text.len() {
        let length = text[start..].iter().take_while(is_letter).count();
        let run = &text[start..start + length];
        if let Some(at) =
            run.windows(3).position(|letters| letters == ['e', 'y', 'J']).filter(|at| run.len() - at >= JWS)
        {
            hidden[start + at..start + length].fill(true);
        }
        start += length.max(1);
    }
}

/// Whether a text of an event may name a person, a device or an address. The values that definitions list do not.
fn may_identify(text: &str) -> bool {
    let is_listed = || {
        let kinds = EVENTS.iter().flat_map(|event| event.fields).map(|field| field.kind);
        kinds.into_iter().any(|kind| matches!(kind, FieldType::Enum { values, .. } if values.contains(&text)))
    };
    text.contains(['@', ' ', ':', '.'])
        || text.starts_with('+')
        || (text.contains(|letter: char| letter.is_ascii_digit()) && !is_listed())
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
            '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}' => {}
            letter => cleaned.push(letter),
        }
    }
    if cleaned.last() == Some(&' ') {
        cleaned.pop();
    }
    cleaned
}
