//! Texts as each language writes them. What does not show, or changes how a line reads, is escaped.

use std::fmt::Write as _;

use serde_json::Value;

/// Whether a character shows as itself, in every terminal and editor. One that turns the direction of writing does not.
fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~') || character.is_alphanumeric()
}

/// A text between quotes, with what has to be escaped.
fn quoted(text: &str, quote: char, escape: impl Fn(char, &mut String)) -> String {
    let mut written = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => written.push_str("\\\\"),
            _ if character == quote => written.extend(['\\', quote]),
            '\n' => written.push_str("\\n"),
            _ if is_plain(character) => written.push(character),
            _ => escape(character, &mut written),
        }
    }
    written.push(quote);
    written
}

pub(super) fn python(text: &str) -> String {
    quoted(text, '"', |character, written| {
        let code = u32::from(character);
        // Writing to a string does not fail.
        let _ =
            if code > 0xffff { write!(written, "\\U{code:08x}") } else { write!(written, "\\u{code:04x}") };
    })
}

pub(super) fn node(text: &str) -> String {
    quoted(text, '\'', braces)
}

pub(super) fn swift(text: &str) -> String {
    quoted(text, '"', braces)
}

pub(super) fn rust(text: &str) -> String {
    quoted(text, '"', braces)
}

fn braces(character: char, written: &mut String) {
    let _ = write!(written, "\\u{{{:x}}}", u32::from(character));
}

/// JSON in which everything shows. Outside of strings it has nothing else.
pub(super) fn json(value: &Value) -> String {
    plain(&value.to_string())
}

/// The same, on several lines.
pub(super) fn pretty_json(value: &Value) -> String {
    plain(&serde_json::to_string_pretty(value).unwrap_or_default())
}

fn plain(json: &str) -> String {
    let mut written = String::new();
    for character in json.chars() {
        if is_plain(character) || character == '\n' {
            written.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(written, "\\u{unit:04x}");
            }
        }
    }
    written
}

/// A raw string of Rust, with as many `#` as it takes.
pub(super) fn raw_rust(text: &str) -> String {
    let mut hashes = String::from("#");
    while text.contains(&format!("\"{hashes}")) {
        hashes.push('#');
    }
    format!("r{hashes}\"{text}\"{hashes}")
}

/// A word of a shell: sh, bash or zsh. What does not show needs bash or zsh.
pub(super) fn shell(text: &str) -> String {
    let needs_no_quotes = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@,+%".contains(&byte);
    if !text.is_empty() && text.bytes().all(needs_no_quotes) {
        return text.to_owned();
    }
    if text.chars().all(is_plain) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let escaped = quoted(text, '\'', |character, written| {
        let _ = write!(written, "\\U{:08x}", u32::from(character));
    });
    format!("${escaped}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn nothing_leaves_its_quotes() {
        let hostile = "\"'\\`$(id)${x}\\(y)#{z}\n\r\u{1b}[2J\u{202e}\u{2028}\u{1f600}é";
        assert_eq!(
            super::python(hostile),
            r#""\"'\\`$(id)${x}\\(y)#{z}\n\u000d\u001b[2J\u202e\u2028\U0001f600é""#
        );
        let braces = r"`$(id)${x}\\(y)#{z}\n\u{d}\u{1b}[2J\u{202e}\u{2028}\u{1f600}é";
        assert_eq!(super::node(hostile), format!(r#"'"\'\\{braces}'"#));
        assert_eq!(super::swift(hostile), format!(r#""\"'\\{braces}""#));
        assert_eq!(super::rust(hostile), super::swift(hostile));
        assert_eq!(
            super::shell(hostile),
            r#"$'"\'\\`$(id)${x}\\(y)#{z}\n\U0000000d\U0000001b[2J\U0000202e\U00002028\U0001f600é'"#
        );
        assert_eq!(super::shell("it's $(id)"), r"'it'\''s $(id)'");
        assert_eq!(super::shell(""), "''");
        assert_eq!(super::shell("https://edr.example.com/a"), "https://edr.example.com/a");
        assert_eq!(super::raw_rust("a\"#b\"##"), "r###\"a\"#b\"##\"###");
    }

    #[test]
    fn json_means_the_same_when_all_of_it_shows() {
        let value = json!({ "\u{202e}": "\u{7f}\u{9b}\u{1f600}\n\"" });
        let written = super::json(&value);
        assert_eq!(written, r#"{"\u202e":"\u007f\u009b\ud83d\ude00\n\""}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&written).unwrap(), value);
    }
}
