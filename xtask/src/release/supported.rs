//! Whether the C libraries that releases contain get security fixes, and work.

use std::collections::BTreeSet;

use super::Bills;
use crate::{Result, openssl};

/// Older versions of SQLite lose commits: docs/adr/0017, and `store/src/connection.rs`.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

pub(super) fn check(bills: &Bills) -> Result<String> {
    let mut found = BTreeSet::new();
    for (name, (_, _, bill)) in bills {
        let version = |library: &str| bill.version(library).ok_or_else(|| format!("{name} has no {library}"));
        openssl::supported(version("openssl")?)?;
        sqlite(version("sqlite")?)?;
        found.insert(format!("OpenSSL {}, SQLite {}", version("openssl")?, version("sqlite")?));
    }
    Ok(Vec::from_iter(found).join("; "))
}

fn sqlite(version: &str) -> Result {
    let numbers = version.split('.').map(str::parse).collect::<std::result::Result<Vec<u32>, _>>()?;
    if numbers[..] >= OLDEST_SQLITE[..] {
        return Ok(());
    }
    let oldest = OLDEST_SQLITE.map(|number| number.to_string()).join(".");
    Err(format!("SQLite {version} is older than {oldest}; raise rusqlite in Cargo.toml").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_that_loses_commits_is_refused() {
        for version in ["3.51.3", "3.54.1", "4.0.0"] {
            sqlite(version).unwrap();
        }
        for version in ["3.51.2", "3.7.17"] {
            assert!(sqlite(version).unwrap_err().to_string().contains("3.51.3"));
        }
    }
}
