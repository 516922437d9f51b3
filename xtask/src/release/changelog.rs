//! The entry of a version in the changelog.

use regex::Regex;

const UNRELEASED: &str = "\n## Unreleased\n";

/// The entry of this version, without its heading. Everything that was unreleased has to be in it.
pub(super) fn entry<'a>(changelog: &'a str, version: &str) -> Result<&'a str, String> {
    let heading = format!(r"(?m)^## {} - \d{{4}}-\d{{2}}-\d{{2}}$", regex::escape(version));
    let heading = Regex::new(&heading).map_err(|error| error.to_string())?;
    let found = heading.find(changelog).ok_or_else(|| {
        format!("CHANGELOG.md has no heading \"## {version} - YYYY-MM-DD\": move what is unreleased below it")
    })?;
    let section = |start: usize| {
        let rest = &changelog[start..];
        rest.split_once("\n## ").map_or(rest, |(section, _)| section).trim()
    };
    let unreleased = changelog.find(UNRELEASED).map(|start| section(start + UNRELEASED.len() - 1));
    if unreleased.is_some_and(|entries| !entries.is_empty()) {
        return Err("CHANGELOG.md has unreleased entries: move them below the version".to_owned());
    }
    let entry = section(found.end());
    if entry.is_empty() { Err(format!("CHANGELOG.md says nothing about {version}")) } else { Ok(entry) }
}

#[cfg(test)]
mod tests {
    use super::entry;

    const LOG: &str = "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2027-01-31\n\n* B\n\n### More\n\n* C\n\n\
                       ## 0.1.0 - 2026-12-01\n\n* A\n";

    #[test]
    fn the_entry_of_a_version_ends_at_the_next_one() {
        assert_eq!(entry(LOG, "0.2.0"), Ok("* B\n\n### More\n\n* C"));
        assert_eq!(entry(LOG, "0.1.0"), Ok("* A"));
    }

    #[test]
    fn what_is_missing_or_unreleased_is_refused() {
        assert!(entry(LOG, "0.3.0").unwrap_err().contains("## 0.3.0 - YYYY-MM-DD"));
        assert!(entry(LOG, "0x1.0").is_err());
        let unreleased = LOG.replace("## Unreleased\n", "## Unreleased\n\n* D\n");
        assert!(entry(&unreleased, "0.2.0").unwrap_err().contains("unreleased"));
        let empty = LOG.replace("* A\n", "");
        assert!(entry(&empty, "0.1.0").unwrap_err().contains("says nothing"));
    }
}
