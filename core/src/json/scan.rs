//! Looks at a JSON text for what a parsed value does not show: how its numbers and escapes are written.

/// The numbers of a JSON text as they are written, in order. The text may end early.
pub(super) fn numbers(json: &[u8]) -> impl Iterator<Item = &str> {
    let mut rest = json;
    std::iter::from_fn(move || {
        loop {
            match rest {
                [] => return None,
                [b'"', after @ ..] => rest = &after[string_length(after)..],
                [b'-' | b'0'..=b'9', ..] => {
                    let end = rest.iter().position(|byte| !b"+-.0123456789Ee".contains(byte));
                    let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
                    rest = after;
                    return std::str::from_utf8(number).ok();
                }
                [_, after @ ..] => rest = after,
            }
        }
    })
}

/// How long a string is, of which the first quotation mark is read already, with the last one.
fn string_length(text: &[u8]) -> usize {
    let mut index = 0;
    while index < text.len() {
        match text[index] {
            b'"' => return index + 1,
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
    text.len()
}

/// Whether there is an escaped, unpaired surrogate (RFC 8259 §7).
pub(super) fn has_lone_surrogate(json: &[u8]) -> bool {
    let mut index = 0;
    let mut high = false;
    while index < json.len() {
        let escape = (json[index] == b'\\').then(|| json.get(index + 1)).flatten();
        let unit = match escape {
            Some(b'u') => json.get(index + 2..index + 6).and_then(hexadecimal),
            _ => None,
        };
        let low = matches!(unit, Some(0xDC00..=0xDFFF));
        if high != low {
            return true;
        }
        high = matches!(unit, Some(0xD800..=0xDBFF));
        index += match (escape, unit) {
            (None, _) => 1,
            (Some(_), None) => 2,
            (Some(_), Some(_)) => 6,
        };
    }
    high
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// How far into the text a line and a column are, both from one on.
pub(super) fn offset(json: &[u8], (line, column): (usize, usize)) -> usize {
    let mut ends = json.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(index, _)| index + 1);
    let start = if line < 2 { 0 } else { ends.nth(line - 2).unwrap_or(json.len()) };
    (start + column).min(json.len())
}

pub(super) fn is_integer(literal: &str) -> bool {
    !literal.contains(['.', 'e', 'E'])
}

/// Whether a number is written again with the same value after it was read.
pub(super) fn is_exact(literal: &str) -> bool {
    // A zero with a sign is a float.
    if is_integer(literal) && literal != "-0" {
        return literal.parse::<i64>().is_ok() || literal.parse::<u64>().is_ok();
    }
    literal.parse::<f64>().is_ok_and(|double| decimal(literal) == decimal(&format!("{double:e}")))
}

/// Sign, digits and exponent of a number, in the one form for all ways to write it.
fn decimal(literal: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = literal.split_once(['e', 'E']).unwrap_or((literal, "0"));
    let (negative, mantissa) =
        mantissa.strip_prefix('-').map_or((false, mantissa), |mantissa| (true, mantissa));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some((negative, String::new(), 0));
    }
    let moved = i64::try_from(digits.len() - significant.len()).ok()? - i64::try_from(fraction.len()).ok()?;
    let exponent = exponent.parse::<i64>().ok()?.checked_add(moved)?;
    Some((negative, significant.trim_start_matches('0').to_owned(), exponent))
}
