//! The header `Link` (RFC 8288 §3), by which Okta names the next page of a list.

/// The target of the link with the relation `next`, if this value of the header has one.
pub(super) fn next(mut value: &str) -> Option<&str> {
    while let Some((_, rest)) = value.split_once('<') {
        let (target, rest) = rest.split_once('>')?;
        let (parameters, others) = rest.split_at(end(rest));
        if split(parameters).any(is_next) {
            return Some(target);
        }
        value = others;
    }
    None
}

/// Where the parameters of a link end: at the comma that is not within quotes.
fn end(rest: &str) -> usize {
    rest.find(outside_quotes(',')).unwrap_or(rest.len())
}

/// The parameters of a link.
fn split(parameters: &str) -> impl Iterator<Item = &str> {
    parameters.split(outside_quotes(';'))
}

/// Whether a character is this one, and not within quotes.
fn outside_quotes(wanted: char) -> impl FnMut(char) -> bool {
    let mut quoted = false;
    move |character| {
        quoted ^= character == '"';
        character == wanted && !quoted
    }
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else {
        return false;
    };
    let relations = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel")
        && relations.split(' ').any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn the_next_link_is_found_among_others() {
        for value in [
            r#"<https://a.example/?after=1>; rel="next""#,
            "<https://a.example/?after=1>;rel=next",
            r#"<https://a.example/>; rel="self", <https://a.example/?after=1>; title="a, b"; REL="last Next""#,
            r#"<https://a.example/>; title="<x>, y"; rel=self, <https://a.example/?after=1>; rel="next""#,
        ] {
            assert_eq!(next(value), Some("https://a.example/?after=1"), "{value}");
        }
    }

    #[test]
    fn anything_else_is_no_next_link() {
        for value in [
            "",
            "next",
            "<",
            "<https://a.example/",
            r#"<a>; rel="self""#,
            "<a>; rel",
            r#"<a>; title="next""#,
            r#"<a>; title="x; rel=next""#,
        ] {
            assert_eq!(next(value), None, "{value}");
        }
    }
}
