//! What sends the same event again: a command, and a program in each language.
//!
//! What is in a SET comes from strangers, and is pasted into terminals and editors. So each language has one function that
//! writes a text, and nothing of a SET gets into a command or a program without it.

mod literal;
mod program;
mod shell;
mod text;

use serde_json::{Map, Value, json};
use ssf_transmitter::Subject;

use super::view::Receiver;

/// An event that arrived, and where it can be sent.
struct Sent<'a> {
    endpoint: &'a str,
    dialect: &'a str,
    issuer: &'a str,
    audience: &'a str,
    uri: &'a str,
    members: &'a Map<String, Value>,
    subject: Option<&'a Map<String, Value>>,
    /// Whether the format of the subject is one that the parties agreed on.
    is_private: bool,
    txn: Option<&'a str>,
    toe: Option<i64>,
    /// The token endpoint, and the client.
    token: Option<&'a (String, String)>,
}

/// The copies of a SET, each with its label. There are none of a SET that the library would not send: one without an event
/// or with several.
pub(super) fn copies(claims: &Map<String, Value>, receiver: &Receiver, dialect: &str) -> Vec<Value> {
    let copy = |label: &str, text: String| json!({ "label": label, "text": text });
    let Some(sent) = Sent::read(claims, receiver, dialect) else { return Vec::new() };
    let mut copies = vec![copy("ssf emit", shell::command(&sent))];
    // Each language has its own way to say that a private format is meant.
    if !sent.is_private {
        copies.push(copy("Python", program::python(&sent)));
        copies.push(copy("Node", program::node(&sent)));
        copies.push(copy("Swift", program::swift(&sent)));
        copies.push(copy("Rust", program::rust(&sent)));
    }
    copies
}

impl<'a> Sent<'a> {
    fn read(claims: &'a Map<String, Value>, receiver: &'a Receiver, dialect: &'a str) -> Option<Self> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let mut events = claims.get("events")?.as_object()?.iter();
        let (Some((uri, members)), None) = (events.next(), events.next()) else { return None };
        let subject = match claims.get("sub_id") {
            Some(subject) => Some(subject.as_object()?),
            None => None,
        };
        let is_known =
            |members: &Map<String, Value>| Subject::from_members(members.clone()).validate().is_ok();
        Some(Self {
            endpoint: &receiver.push,
            dialect,
            issuer: text("iss")?,
            audience: text("aud").unwrap_or(&receiver.audience),
            uri,
            members: members.as_object()?,
            is_private: subject.is_some_and(|subject| !is_known(subject)),
            subject,
            txn: text("txn"),
            toe: claims.get("toe").and_then(Value::as_i64),
            token: receiver.token.as_ref(),
        })
    }
}
