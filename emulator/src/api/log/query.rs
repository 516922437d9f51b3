//! The query of a read.

use form_urlencoded::Serializer;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ApiError;

/// Which entries to return.
pub(super) struct Query {
    /// As they came, to be repeated in the link to the next page.
    parameters: Vec<(String, String)>,
    since: OffsetDateTime,
    until: Option<OffsetDateTime>,
    /// The types; without any, all.
    types: Vec<String>,
    pub(super) limit: usize,
    /// How many entries are before the page.
    pub(super) after: usize,
}

impl Query {
    pub(super) fn read(query: &str) -> Result<Self, ApiError> {
        let parameters: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value =
            |name: &str| parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let wrong = |cause: &str| ApiError::validation([cause]);
        let moment = |name: &str| {
            let read = |text| OffsetDateTime::parse(text, &Rfc3339);
            value(name)
                .map(read)
                .transpose()
                .map_err(|_| wrong(&format!("{name}: has to be an ISO 8601 date")))
        };
        let number = |name: &str, default: usize| {
            let read = |text: &str| text.parse().map_err(|_| wrong(&format!("{name}: has to be a number")));
            value(name).map_or(Ok(default), read)
        };
        let limit = number("limit", 100)?;
        if limit > 1000 {
            return Err(wrong("limit: must be at most 1000"));
        }
        match value("sortOrder") {
            Some("ASCENDING") => {}
            // The other order has no use for a sender.
            _ => return Err(wrong("sortOrder: only ASCENDING is played")),
        }
        let (since, until, after) = (moment("since")?, moment("until")?, number("after", 0)?);
        let types = value("filter").map_or(Ok(Vec::new()), types)?;
        // Okta reads seven days back where it is not told how far.
        let since = since.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(Self { parameters, since, until, types, limit, after })
    }

    pub(super) fn has_end(&self) -> bool {
        self.until.is_some()
    }

    pub(super) fn wants(&self, event_type: &str, published: OffsetDateTime) -> bool {
        let is_type = self.types.is_empty() || self.types.iter().any(|wanted| wanted == event_type);
        is_type && published >= self.since && self.until.is_none_or(|until| published < until)
    }

    /// The query of the page that begins there.
    pub(super) fn next(&self, after: usize) -> String {
        let same = self.parameters.iter().filter(|(name, _)| name != "after");
        let mut query = Serializer::new(String::new());
        query.extend_pairs(same).append_pair("after", &after.to_string()).finish()
    }
}

/// `eventType eq "…"`, one or several with `or` between them. The rest of the language is not played.
fn types(filter: &str) -> Result<Vec<String>, ApiError> {
    let of_one = |part: &str| {
        let value = part.trim().strip_prefix("eventType eq \"")?.strip_suffix('"')?;
        (!value.contains('"')).then(|| value.to_owned())
    };
    filter.split(" or ").map(of_one).collect::<Option<_>>().ok_or_else(ApiError::invalid_search)
}
