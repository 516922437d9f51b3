//! Why the other side says no: read from the bodies that receivers, gateways, token endpoints and APIs write.
//!
//! What they write may quote what was sent. It is redacted, cleaned and clipped here, once for all readers.

mod markup;
mod redact;

use serde_json::{Map, Value};

pub(crate) use redact::Redaction;

use crate::{error::is_code, http::Response};

/// Of what the other side writes, so many characters are kept.
const MAX_DESCRIPTION: usize = 1024;
/// Texts of one body that are put together, and how deep they are looked for.
const MAX_TEXTS: usize = 20;
const MAX_DEPTH: usize = 4;

/// Members that hold a code: RFC 8935 §2.3, RFC 6749 §5.2, Okta, and others.
const CODES: [&str; 4] = ["err", "error", "errorCode", "code"];
/// Members that hold a text: those of the same, RFC 9457 §3.1, and what frameworks write.
const TEXTS: [&str; 8] =
    ["description", "error_description", "errorSummary", "title", "detail", "message", "Message", "msg"];
/// Members that hold several texts, or objects with texts.
const LISTS: [&str; 2] = ["errorCauses", "errors"];

/// What an unsuccessful answer says about itself.
#[derive(Default)]
pub(crate) struct Reason {
    /// A word for programs, such as `invalid_audience`. It decides, and is not shown.
    pub(crate) verdict_code: Option<String>,
    /// The same, unless it quotes what was sent.
    pub(crate) code: Option<String>,
    /// A text for people.
    pub(crate) description: Option<String>,
}

impl Reason {
    /// Reads an answer. What `redaction` knows is not in the result.
    pub(crate) fn of(response: &Response, redaction: &Redaction) -> Self {
        let mut found = Found::default();
        found.body(response);
        if found.code.is_none() && found.texts.is_empty() {
            found.challenge(response);
        }
        let description = redaction.apply(&found.texts.join("; "));
        let description: String = description.chars().take(MAX_DESCRIPTION).collect();
        Self {
            verdict_code: found.code.clone(),
            code: found.code.filter(|code| redaction.apply(code) == *code),
            description: Some(description).filter(|text| !text.is_empty()),
        }
    }
}

#[derive(Default)]
struct Found {
    code: Option<String>,
    texts: Vec<String>,
}

impl Found {
    fn body(&mut self, response: &Response) {
        // The request accepts no encoding; an encoded body cannot be read.
        let encoded = response.header("content-encoding");
        if encoded.is_some_and(|encoding| !encoding.trim().eq_ignore_ascii_case("identity")) {
            return;
        }
        let body = response.text_bytes();
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => self.object(&object, 0),
            Ok(value) => self.value(&value, 0),
            Err(_) => {
                let text = String::from_utf8_lossy(body);
                let is_markup = text.trim_start().starts_with('<');
                self.push(&if is_markup { markup::text(&text) } else { text.into_owned() });
            }
        }
    }

    /// An error object of any of the usual forms.
    fn object(&mut self, object: &Map<String, Value>, depth: usize) {
        let before = self.texts.len();
        for name in CODES {
            match object.get(name) {
                Some(Value::String(code)) if is_code(code) => {
                    self.code.get_or_insert_with(|| code.clone());
                }
                Some(Value::Number(code)) if name == "errorCode" => {
                    self.code.get_or_insert_with(|| code.to_string());
                }
                _ => {}
            }
        }
        for value in TEXTS.iter().chain(&LISTS).filter_map(|name| object.get(*name)) {
            self.value(value, depth + 1);
        }
        for value in CODES.iter().filter_map(|name| object.get(*name)) {
            match value {
                Value::Object(inner) if depth < MAX_DEPTH => self.object(inner, depth + 1),
                Value::String(text) if !is_code(text) && self.texts.len() == before => self.push(text),
                _ => {}
            }
        }
    }

    /// The texts in a value.
    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::String(text) => self.push(text),
            Value::Array(values) if depth < MAX_DEPTH => {
                for value in values {
                    self.value(value, depth + 1);
                }
            }
            Value::Object(object) if depth < MAX_DEPTH => {
                let known =
                    |name: &String| CODES.iter().chain(&TEXTS).chain(&LISTS).any(|known| name == known);
                if object.keys().any(known) {
                    return self.object(object, depth + 1);
                }
                // Texts by member, as validators write them.
                for (name, value) in object {
                    let mut inner = Self::default();
                    inner.value(value, depth + 1);
                    inner.texts.iter().for_each(|text| self.push(&format!("{name}: {text}")));
                }
            }
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        let text = markup::decoded(&unescaped(text.trim()));
        if !text.is_empty() && self.texts.len() < MAX_TEXTS && !self.texts.contains(&text) {
            self.texts.push(text);
        }
    }

    /// RFC 6750 §3: a resource server may give its reason in the challenge alone.
    fn challenge(&mut self, response: &Response) {
        let parameter = |name: &str| {
            response.headers_named("www-authenticate").find_map(|challenge| {
                let start = format!("{name}=\"");
                let after =
                    |at: usize| challenge[..at].ends_with([' ', ',']).then(|| &challenge[at + start.len()..]);
                let value = challenge.match_indices(&start).find_map(|(at, _)| after(at))?;
                Some(value.split('"').next().unwrap_or_default().to_owned())
            })
        };
        self.code = parameter("error").filter(|code| is_code(code));
        self.push(&parameter("error_description").unwrap_or_default());
    }
}

/// JSON within a text: with the escapes of RFC 8259 §7 resolved that hide a letter.
fn unescaped(text: &str) -> String {
    let mut pieces = text.split('\\');
    let mut unescaped = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let unit = piece.strip_prefix('u').and_then(|rest| rest.get(..4));
        match unit.and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32) {
            Some(letter) => {
                unescaped.push(letter);
                unescaped.push_str(&piece[5..]);
            }
            None if piece.starts_with('/') => unescaped.push_str(piece),
            None => {
                unescaped.push('\\');
                unescaped.push_str(piece);
            }
        }
    }
    unescaped
}
