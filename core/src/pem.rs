//! A tolerant PEM reader (RFC 7468): accepts a byte order mark, escaped or missing newlines, indents, quotes, and a second
//! base64 encoding, as long as the meaning is unambiguous.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use zeroize::Zeroizing;

/// The byte order mark of UTF-8.
pub(crate) const BOM: char = '\u{feff}';
const BEGIN: &str = "-----BEGIN ";

/// A block of a PEM text.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    inside: &'a str,
}

impl Block<'_> {
    /// The label for messages. One that is not as RFC 7468 §2 has them could hold a part of the key.
    pub(crate) fn shown(&self) -> &str {
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
        if self.label.len() <= 40 && self.label.bytes().all(fits) {
            self.label
        } else {
            "with a damaged label"
        }
    }

    /// The contents; `None` where they are damaged.
    pub(crate) fn contents(&self) -> Option<Contents> {
        let inside = line_ends_restored(self.inside);
        let (dek_info, body) = match inside.split_once("DEK-Info:") {
            Some((_, after)) => {
                let after = after.trim_start();
                let end = after.find(char::is_whitespace)?;
                (Some(after[..end].to_owned()), &after[end..])
            }
            None => (None, after_headers(&inside)),
        };
        Some(Contents { dek_info, der: decode(&STANDARD, &letters(body))? })
    }
}

/// What a block holds.
pub(crate) struct Contents {
    /// The cipher of a block that was encrypted before PKCS#8 (RFC 1421 §4.6.1.3).
    pub(crate) dek_info: Option<String>,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// The complete blocks of a text.
pub(crate) fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        rest = &rest[begin + BEGIN.len()..];
        let Some((label, after)) = rest.split_once("-----") else {
            break;
        };
        let end = format!("-----END {label}-----");
        let Some((inside, after)) = after.split_once(&end) else {
            break;
        };
        blocks.push(Block { label, inside });
        rest = after;
    }
    blocks
}

/// The text inside a text that is base64 as a whole, as Kubernetes and others keep secrets; `None` if it is not.
pub(crate) fn unwrapped(text: &str) -> Option<Zeroizing<String>> {
    let bytes = any_base64(text)?;
    let inner = std::str::from_utf8(&bytes).ok()?;
    let start = inner.trim_start_matches(|letter: char| letter == BOM || letter.is_whitespace());
    // Allocated once: growing would leave unwiped copies behind.
    (inner.contains(BEGIN) || start.starts_with('{')).then(|| Zeroizing::new(inner.to_owned()))
}

/// The bytes of a text that is base64 or base64url as a whole, with padding or without.
pub(crate) fn any_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let letters = letters(text);
    [STANDARD, URL_SAFE].iter().find_map(|engine| decode(engine, &letters)).filter(|bytes| !bytes.is_empty())
}

/// The text with a newline for each `\n` or `\r` that is written with a backslash: base64 has no backslash.
fn line_ends_restored(text: &str) -> Zeroizing<String> {
    let mut restored = Zeroizing::new(String::with_capacity(text.len()));
    let mut escaped = false;
    for letter in text.chars() {
        match letter {
            '\\' => escaped = true,
            'n' | 'r' if escaped => {
                restored.push('\n');
                escaped = false;
            }
            _ => {
                escaped = false;
                restored.push(letter);
            }
        }
    }
    restored
}

/// What follows the header lines of an old block (RFC 1421 §4.4).
fn after_headers(block: &str) -> &str {
    let mut rest = block.trim_start();
    while let Some((line, after)) = rest.split_once(['\n', '\r']) {
        if !line.contains(':') {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

/// The text without white space and other marks that nobody sees.
fn letters(text: &str) -> Zeroizing<Vec<u8>> {
    // Allocated once: growing would leave unwiped copies behind.
    let mut letters = Zeroizing::new(Vec::with_capacity(text.len()));
    let unseen = |letter: char| letter.is_whitespace() || matches!(letter, BOM | '\u{200b}');
    for part in text.split(unseen) {
        letters.extend_from_slice(part.as_bytes());
    }
    letters
}

/// The bytes that the letters stand for, wiped.
fn decode(engine: &GeneralPurpose, letters: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; letters.len() / 4 * 3 + 3]);
    let length = engine.decode_slice(letters, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}
