//! Names in each language, by rule from the wire name.

/// The words of a wire name: `new-value`, `bulkId`, `ORG_UNIT`, `fido2-platform`.
fn words(wire: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_lower = false;
    for character in wire.chars() {
        if !character.is_ascii_alphanumeric() {
            words.push(String::new());
            previous_lower = false;
            continue;
        }
        if character.is_ascii_uppercase() && previous_lower {
            words.push(String::new());
        }
        previous_lower = character.is_ascii_lowercase() || character.is_ascii_digit();
        if let Some(word) = words.last_mut() {
            word.push(character.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `new_value`, for fields and modules in Rust and Python.
pub(crate) fn snake(wire: &str) -> String {
    words(wire).join("_")
}

/// `NewValue`, for types and variants.
pub(crate) fn pascal(wire: &str) -> String {
    words(wire).iter().map(|word| capitalized(word)).collect()
}

/// `newValue`, for members and functions in TypeScript and Swift.
pub(crate) fn camel(wire: &str) -> String {
    let words = words(wire);
    let (first, others) =
        words.split_first().map_or(("", &[][..]), |(first, others)| (first.as_str(), others));
    first.to_owned() + &others.iter().map(|word| capitalized(word)).collect::<String>()
}

/// The same in Swift, in backticks where it is a word of the language.
pub(crate) fn swift(wire: &str) -> String {
    const WORDS: &[&str] = &[
        "as",
        "case",
        "catch",
        "class",
        "default",
        "defer",
        "do",
        "else",
        "enum",
        "extension",
        "false",
        "for",
        "func",
        "if",
        "import",
        "in",
        "init",
        "inout",
        "internal",
        "is",
        "let",
        "nil",
        "operator",
        "private",
        "protocol",
        "public",
        "repeat",
        "return",
        "self",
        "static",
        "struct",
        "subscript",
        "super",
        "switch",
        "throw",
        "throws",
        "true",
        "try",
        "var",
        "where",
        "while",
    ];
    let name = camel(wire);
    if WORDS.contains(&&*name) { format!("`{name}`") } else { name }
}

/// What a family of events is called in Swift, where abbreviations are upper case.
pub(crate) fn swift_family(id: &str) -> String {
    match id {
        "caep" | "risc" | "ssf" | "govuk" | "scim" => id.to_uppercase(),
        "oauth" => "OAuth".to_owned(),
        _ => pascal(id),
    }
}

/// A name as a property in TypeScript, in quotes where it needs them.
pub(crate) fn property(wire: &str) -> String {
    let plain = wire.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { wire.to_owned() } else { quoted(wire) }
}

/// A string in TypeScript, in single quotes unless it has some.
pub(crate) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') { '"' } else { '\'' };
    format!("{quote}{}{quote}", text.replace('\\', "\\\\"))
}

fn capitalized(word: &str) -> String {
    let mut characters = word.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + characters.as_str())
}

/// The text with a small first letter, to go on within a sentence; abbreviations stay as they are.
pub(crate) fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() || second == ' ' => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => text.to_owned(),
    }
}
