//! Names of options that nobody knows, and the ones that may have been meant.

/// What other libraries call an option, and what it is called here. Letters and digits alone count.
const SYNONYMS: &[(&str, &str)] = &[
    ("agent", "proxy"),
    ("ca", "cabundle"),
    ("cacert", "cabundle"),
    ("cafile", "cabundle"),
    ("cert", "clientcertificate"),
    ("dispatcher", "proxy"),
    ("httpagent", "proxy"),
    ("httpsagent", "proxy"),
    ("localaddress", "sourceaddress"),
    ("maxretries", "retry"),
    ("proxies", "proxy"),
    ("retries", "retry"),
    ("rootcas", "cabundle"),
    ("timeout", "deadline"),
    ("verify", "cabundle"),
];

/// The known name that was probably meant: its counterpart in other libraries, or the most similar one.
pub fn nearest(name: &str, known: &[String]) -> Option<String> {
    let folded = fold(name);
    let synonym = SYNONYMS.iter().find(|(theirs, _)| *theirs == folded).map(|(_, ours)| *ours);
    let synonymous = synonym.and_then(|ours| known.iter().find(|other| fold(other) == ours));
    let similar = || {
        let scored = known.iter().filter_map(|other| Some((likeness(&folded, &fold(other))?, other)));
        scored.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, other)| other)
    };
    synonymous.or_else(similar).cloned()
}

/// How similar two names are, if they are similar at all.
fn likeness(one: &str, other: &str) -> Option<f64> {
    let (start, edits) =
        (strsim::jaro_winkler(one, other), strsim::normalized_damerau_levenshtein(one, other));
    (start >= 0.8 || edits >= 0.6).then_some(start + edits)
}

fn fold(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}
