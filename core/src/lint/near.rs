//! Names that are nearly others.

/// Which of `names` is meant by `name`, which is none of them.
pub(super) fn meant<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(name);
    names.into_iter().find(|other| {
        let known = fold(other);
        // Case, hyphens and underscores, or one or two letters of a long name.
        known == folded
            || (known.len() > 5 && strsim::damerau_levenshtein(&known, &folded) <= known.len() / 6)
    })
}

/// The known event type URI that `uri` is nearly.
pub(super) fn event_uri<'a>(uri: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let parts = |uri: &str| {
        let uri = uri.trim().trim_end_matches('/').to_ascii_lowercase();
        let (host, path) = uri
            .split_once("://")?
            .1
            .split_once('/')
            .map(|(host, path)| (host.to_owned(), path.to_owned()))?;
        let name = path.rsplit('/').next()?.replace('_', "-");
        Some((host, name))
    };
    let given = parts(uri)?;
    known.into_iter().find(|other| parts(other).is_some_and(|other| other == given))
}

/// Whether two names are the same but for case, hyphens and underscores.
pub(super) fn same(one: &str, other: &str) -> bool {
    fold(one) == fold(other)
}

/// Letters and digits in lower case.
fn fold(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
