//! Names that nobody knows, and the ones that may have been meant.

use napi_derive::napi;

/// The known name that is most like this one, if it is like it at all.
#[napi]
pub fn nearest(name: String, known: Vec<String>) -> Option<String> {
    let likeness = |other: &String| strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
    let scored = known.into_iter().map(|other| (likeness(&other), other));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (best.0 >= 0.8).then_some(best.1)
}
