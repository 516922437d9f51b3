//! The text of an HTML page, or of XML: gateways and web servers answer with them.

/// The title of a page; without one, all of its text.
pub(super) fn text(markup: &str) -> String {
    // Of the same length, so that places in one are places in the other.
    let lower = markup.to_ascii_lowercase();
    let title = between(markup, &lower, "<title", "</title").map(without_tags);
    title.filter(|title| !title.trim().is_empty()).unwrap_or_else(|| {
        let mut text = String::new();
        let (mut markup, mut lower) = (markup, lower.as_str());
        // Neither is meant to be read.
        while let Some(start) = ["<script", "<style"].iter().filter_map(|tag| lower.find(tag)).min() {
            let end = ["</script", "</style"].iter().filter_map(|tag| lower[start..].find(tag)).min();
            text.push_str(&markup[..start]);
            let end = start + end.unwrap_or(lower.len() - start);
            (markup, lower) = (&markup[end..], &lower[end..]);
        }
        text.push_str(markup);
        without_tags(&text)
    })
}

/// What is between a tag and its end.
fn between<'a>(markup: &'a str, lower: &str, start: &str, end: &str) -> Option<&'a str> {
    let tag = lower.find(start)?;
    let from = tag + lower[tag..].find('>')? + 1;
    let to = from + lower[from..].find(end)?;
    Some(&markup[from..to])
}

fn without_tags(markup: &str) -> String {
    let mut pieces = markup.split('<');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        text.push(' ');
        text.push_str(piece.split_once('>').map_or("", |(_, after)| after));
    }
    text
}

/// With the common character references resolved (HTML §13.5).
pub(super) fn decoded(text: &str) -> String {
    let mut pieces = text.split('&');
    let mut decoded = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let reference = piece.split_once(';').and_then(|(name, rest)| Some((character(name)?, rest)));
        if let Some((character, rest)) = reference {
            decoded.push(character);
            decoded.push_str(rest);
        } else {
            decoded.push('&');
            decoded.push_str(piece);
        }
    }
    decoded
}

fn character(name: &str) -> Option<char> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => match name.strip_prefix('#')? {
            hexadecimal if hexadecimal.starts_with(['x', 'X']) => number(&hexadecimal[1..], 16),
            decimal => number(decimal, 10),
        },
    }
}
