//! The OpenSSL that is shipped: built for the releases, and looked for in what was built. Why: docs/adr/0007.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use time::{Date, OffsetDateTime, macros::date};

use crate::{
    Result,
    run::{cargo, target},
};

/// The lines of OpenSSL, each with the last day of its support.
/// Source: OpenSSL's roadmap, <https://openssl-library.org/roadmap/>.
const LINES: &[(&str, Date)] =
    &[("3.5", date!(2030 - 04 - 08)), ("3.6", date!(2026 - 11 - 01)), ("4.0", date!(2027 - 05 - 14))];

/// Environment variables for a build.
pub(crate) type Variables = BTreeMap<String, String>;

/// Builds OpenSSL for this machine; see [`variables_for`].
pub(crate) fn variables(root: &Path) -> Result<Variables> {
    variables_for(root, None, &Variables::new())
}

/// Builds OpenSSL for `target`, or for this machine, unless it is built; cargo keeps it in `target/openssl/`. Returns
/// what makes a build take it in place of the one that comes with `vendored`. `tools` names the compiler, where it is
/// not this machine's.
pub(crate) fn variables_for(root: &Path, target: Option<&str>, tools: &Variables) -> Result<Variables> {
    let target = target.map_or_else(String::new, |target| format!(" --target {target}"));
    let line = format!(
        "build --locked --manifest-path xtask/openssl/Cargo.toml --target-dir target/openssl{target} \
         --message-format json"
    );
    println!("$ cargo {line}");
    // OpenSSL writes down when it was built, and the same sources would give other bytes every time.
    let told = cargo(root, &line).envs(tools).env("SOURCE_DATE_EPOCH", "0").output()?;
    let built = told
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find(|message| message["reason"] == "build-script-executed")
        .ok_or("cargo does not tell where it has put OpenSSL")?;
    let places: Vec<(String, String)> = serde_json::from_value(built["env"].clone())?;
    let mut variables = Variables::from_iter(places);
    for (name, value) in [("OPENSSL_NO_VENDOR", "1"), ("OPENSSL_STATIC", "1")] {
        variables.insert(name.to_owned(), value.to_owned());
    }
    // A folder of its own: in one with plain builds, each would compile its OpenSSL again after the other.
    variables.insert("CARGO_TARGET_DIR".to_owned(), folder(root).to_string_lossy().into_owned());
    Ok(variables)
}

/// The version of OpenSSL that is shipped, and the folder of its crate.
pub(crate) fn source(root: &Path) -> Result<(String, PathBuf)> {
    let line = "metadata --locked --format-version 1 --manifest-path xtask/openssl/Cargo.toml";
    let metadata: Value = serde_json::from_str(&cargo(root, line).output()?)?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let package =
        packages.find(|package| package["name"] == "openssl-src").ok_or("xtask/openssl has no OpenSSL")?;
    let [version, manifest] =
        ["version", "manifest_path"].map(|key| package[key].as_str().unwrap_or_default().to_owned());
    let version = version.split_once('+').ok_or("openssl-src does not name its OpenSSL")?.1.to_owned();
    Ok((version, Path::new(&manifest).parent().ok_or("cargo names no manifest")?.to_owned()))
}

/// Where cargo builds with the variables.
pub(crate) fn folder(root: &Path) -> PathBuf {
    target(root).join("shipped")
}

/// Refuses what is not to be shipped, by the OpenSSL that is in it.
pub(crate) fn check(file: &Path) -> Result {
    let binary = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let version = judge(&binary, OffsetDateTime::now_utc().date())
        .map_err(|reason| format!("{} must not be shipped: {reason}", file.display()))?;
    println!("{}: OpenSSL {version}", file.display());
    Ok(())
}

/// Refuses a version of a line that is not supported today.
pub(crate) fn supported(version: &str) -> Result {
    judge(format!("OpenSSL {version}").as_bytes(), OffsetDateTime::now_utc().date())?;
    Ok(())
}

/// The version of OpenSSL in a binary, which has to be of a line that is supported `today`.
fn judge(binary: &[u8], today: Date) -> std::result::Result<String, String> {
    let versions = versions(binary);
    if versions.is_empty() {
        return Err("no OpenSSL is in it; is it linked with one of the machine?".to_owned());
    }
    for version in &versions {
        let line = version.rsplit_once('.').map_or(version.as_str(), |(line, _)| line);
        match LINES.iter().find(|(known, _)| *known == line) {
            Some((_, end)) if today <= *end => {}
            Some((_, end)) => {
                return Err(format!(
                    "it has OpenSSL {version}, and the support of {line} ended on {end}; give \
                     xtask/openssl/Cargo.toml an openssl-src of a line that is supported"
                ));
            }
            None => {
                return Err(format!(
                    "it has OpenSSL {version}, and how long {line} is supported is not known here; look it up, and \
                     add it to LINES in xtask/src/openssl.rs"
                ));
            }
        }
    }
    Ok(Vec::from_iter(versions).join(", "))
}

/// The versions in a binary: OpenSSL writes its name and its version, as in `OpenSSL 4.0.3 29 Sep 2026`.
fn versions(binary: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(binary);
    let behind_names = text.split("OpenSSL ").skip(1);
    behind_names
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect::<String>())
        .filter(|version| version.split('.').filter(|part| !part.is_empty()).count() == 3)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINARY: &[u8] =
        b"\x7fELF\0\xff\xfeOpenSSL is a toolkit\0OpenSSL 4.0.3 29 Sep 2026\0\x01OpenSSL 4.0.3\0";

    #[test]
    fn a_line_is_shipped_to_the_last_day_of_its_support() {
        assert_eq!(judge(BINARY, date!(2026 - 11 - 22)).unwrap(), "4.0.3");
        assert_eq!(judge(BINARY, date!(2027 - 05 - 14)).unwrap(), "4.0.3");
    }

    #[test]
    fn an_ended_line_is_refused_with_the_day_and_what_to_do() {
        let reason = judge(BINARY, date!(2027 - 05 - 15)).unwrap_err();
        assert!(reason.contains("OpenSSL 4.0.3") && reason.contains("4.0 ended on 2027-05-14"), "{reason}");
        assert!(reason.contains("xtask/openssl/Cargo.toml"), "{reason}");

        let reason = judge(b"OpenSSL 3.6.3 9 Jun 2026", date!(2026 - 11 - 22)).unwrap_err();
        assert!(reason.contains("3.6 ended on 2026-11-01"), "{reason}");
    }

    #[test]
    fn a_line_that_is_not_in_the_table_is_refused() {
        for version in ["4.1.0", "1.1.1", "40.0.1"] {
            let binary = format!("OpenSSL {version} 1 Jan 2026");
            let reason = judge(binary.as_bytes(), date!(2026 - 11 - 22)).unwrap_err();
            assert!(reason.contains(version) && reason.contains("LINES"), "{reason}");
        }
    }

    #[test]
    fn one_ended_line_beside_a_supported_one_is_refused() {
        let both = [BINARY, b"OpenSSL 3.6.3 9 Jun 2026"].concat();
        assert!(judge(&both, date!(2026 - 11 - 22)).unwrap_err().contains("3.6.3"));
    }

    #[test]
    fn a_binary_without_a_version_is_refused() {
        for binary in [&b""[..], b"OpenSSL", b"OpenSSL 4.0", b"OpenSSL 4..3", b"LibreSSL 4.0.3"] {
            let reason = judge(binary, date!(2026 - 11 - 22)).unwrap_err();
            assert!(reason.contains("no OpenSSL"), "{reason}");
        }
    }
}
