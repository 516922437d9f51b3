//! The text of a source. It may be the key itself by mistake: no error quotes what could be one.

use std::path::PathBuf;

use super::Origin;
use crate::{
    error::{Error, ErrorCode, Result},
    near, pem,
};

const KINDS: [&str; 5] = ["env", "file", "dir", "cmd", "stdin"];

/// What only a shell understands. Alone, such a word is meant for one.
const SHELL: [&str; 8] = ["|", "||", "&", "&&", ";", ">", "<", "2>&1"];

pub(super) fn parse(text: &str) -> Result<Origin> {
    if text.trim().is_empty() {
        return Err(invalid("the source of the key is empty"));
    }
    if text == "-" {
        return Ok(Origin::Input);
    }
    if is_key(text) {
        return Err(invalid("this looks like the key itself, not its source"));
    }
    let Some((kind, rest)) = kind(text) else {
        return path(text, "a path").map(Origin::File);
    };
    match kind {
        "env" => variable(rest),
        "file" => path(rest, "`file:`").map(Origin::File),
        "dir" => path(rest, "`dir:`").map(Origin::Directory),
        "cmd" => command(rest),
        "stdin" if rest.is_empty() => Ok(Origin::Input),
        "stdin" => Err(invalid("nothing follows `stdin:`")),
        other => {
            let suggestion = near::suggestion(other, KINDS);
            Err(invalid(format!(
                "`{other}:` is not a source type{suggestion}; start a path that contains a colon with `./`"
            )))
        }
    }
}

/// The kind before the colon. A single letter is a drive of Windows.
fn kind(text: &str) -> Option<(&str, &str)> {
    let (kind, rest) = text.split_once(':')?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let is_kind =
        (2..=24).contains(&kind.len()) && kind.as_bytes()[0].is_ascii_alphabetic() && kind.bytes().all(fits);
    is_kind.then_some((kind, rest))
}

pub(super) fn variable(name: &str) -> Result<Origin> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let starts_well = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if starts_well && name.len() <= 128 && name.bytes().all(fits) {
        return Ok(Origin::Variable(name.to_owned()));
    }
    Err(invalid("`env:` requires the name of an environment variable, without `$`: letters, digits and `_`"))
}

fn path(text: &str, after: &str) -> Result<PathBuf> {
    if text.trim().is_empty() || text.contains('\0') {
        return Err(invalid(format!("{after} needs the path of the key")));
    }
    if text.starts_with("~/") {
        return Err(invalid("`~` is not expanded: write the full path"));
    }
    // `file:///etc/key`, as URLs have it.
    let text = if text.starts_with("///") { &text[2..] } else { text };
    Ok(PathBuf::from(text))
}

fn command(text: &str) -> Result<Origin> {
    let Some(words) = shlex::split(text) else {
        return Err(invalid("the command after `cmd:` has an unclosed quote"));
    };
    if words.iter().any(|word| SHELL.contains(&word.as_str())) {
        let message = "`cmd:` does not use a shell: put pipes and redirections into a script";
        return Err(invalid(message));
    }
    let mut words = words.into_iter().map(Into::into);
    match words.next().filter(|program: &std::ffi::OsString| !program.is_empty()) {
        Some(program) => Ok(Origin::Command(program, words.collect())),
        None => Err(invalid("`cmd:` needs a program, and its arguments after it")),
    }
}

/// Whether this is a key: PEM, JSON, or either or DER in base64.
fn is_key(text: &str) -> bool {
    let start = text.trim_start_matches(|letter: char| letter == pem::BOM || letter.is_whitespace());
    let in_base64 = || {
        // Shorter than any key.
        let bytes = (text.len() >= 64).then(|| pem::any_base64(text)).flatten();
        bytes.is_some_and(|bytes| bytes.first() == Some(&0x30)) || pem::unwrapped(text).is_some()
    };
    start.contains("-----BEGIN")
        || start.starts_with(['{', '"'])
        || (text.contains(['\n', '\r']) && !start.starts_with("cmd:"))
        || in_base64()
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::KeySourceInvalid, message)
}
