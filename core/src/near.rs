//! Names that are nearly others: "did you mean", for every closed list of names.

/// The name in `names` that an unknown `name` probably means: the nearest, if it is near.
pub(crate) fn meant<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(name);
    names
        .into_iter()
        .filter_map(|other| Some((distance(&folded, &fold(other))?, other)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// The end of a message about `name`, which `names` does not contain: "; did you mean X?", or empty if none is near.
pub(crate) fn did_you_mean<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    meant(name, names).map_or_else(String::new, |meant| format!("; did you mean {meant}?"))
}

/// The same, or the whole list where none is near.
pub(crate) fn suggestion<'a>(name: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match did_you_mean(name, names.clone()) {
        none if none.is_empty() => {
            format!("; known are {}", names.into_iter().collect::<Vec<_>>().join(", "))
        }
        suggestion => suggestion,
    }
}

/// The known event type URI that `uri` is nearly: another spelling of its last part, or the same below another path.
pub(crate) fn event_uri<'a>(uri: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let (folder, name) = parts(uri)?;
    let near = |other: &'a str| {
        let (other_folder, other_name) = parts(other)?;
        let of_names = distance(&fold(&name), &fold(&other_name))?;
        let of_folders = strsim::damerau_levenshtein(&folder, &other_folder);
        // Below the same path a name may be misspelt. Below another path of the same host it is the same name.
        let same_host = folder.split('/').next() == other_folder.split('/').next();
        let near = of_folders <= 2 || (same_host && of_names == 0);
        near.then_some((of_names + of_folders, other))
    };
    known.into_iter().filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// Whether two names differ only in case, hyphens and underscores.
pub(crate) fn same(one: &str, other: &str) -> bool {
    fold(one) == fold(other)
}

/// How far two folded names are apart; `None` if they are not near: one letter in six, and none of a short name.
fn distance(one: &str, other: &str) -> Option<usize> {
    if one == other {
        return Some(0);
    }
    let most = other.len() / 6;
    // Most names differ in length.
    if most == 0 || one.len().abs_diff(other.len()) > most {
        return None;
    }
    Some(strsim::damerau_levenshtein(one, other)).filter(|distance| *distance <= most)
}

/// Host and path of a URI up to its last part, and that part; of a URN, what is before and after its last colon.
fn parts(uri: &str) -> Option<(String, String)> {
    let uri = uri.trim().trim_end_matches('/').to_ascii_lowercase();
    let (folder, name) = match uri.split_once("://") {
        Some((_, rest)) => rest.rsplit_once('/')?,
        None => uri.rsplit_once(':')?,
    };
    Some((folder.to_owned(), name.to_owned()))
}

/// Letters and digits in lower case.
fn fold(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
