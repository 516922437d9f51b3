//! The public address of the project, which every manifest and the READMEs of the packages name: `[workspace.metadata.ssf]` in
//! `Cargo.toml`. While it is unset, no manifest names one, and the READMEs link to `docs/` in the repository.

use std::{collections::BTreeSet, fs, path::Path};

use regex::{Captures, Regex};
use serde::Deserialize;

use crate::{Result, package::pages};

const CRATES: &[&str] = &[
    "core/Cargo.toml",
    "store/Cargo.toml",
    "store-postgres/Cargo.toml",
    "tower/Cargo.toml",
    "emulator/Cargo.toml",
    "cli/Cargo.toml",
];
const WHEELS: &[&str] = &["bindings-python/pyproject.toml", "cli/pyproject.toml"];
const NPM: &[&str] = &["bindings-node/package.json", "cli/npm/package.json"];
const READMES: &[&str] =
    &["bindings-node/README.md", "bindings-python/README.md", "bindings-swift/README.md", "cli/README.md"];
/// Where the READMEs find the pages in the repository.
const IN_REPOSITORY: &str = "../docs";

/// The address; empty strings while there is none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    /// Where the source is.
    repository: String,
    /// Where the pages of `docs/` are, without a trailing slash.
    documentation: String,
}

#[derive(Deserialize)]
struct Manifest {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    ssf: Address,
}

impl Address {
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let manifest: Manifest = toml::from_str(&fs::read_to_string(root.join("Cargo.toml"))?)?;
        Ok(manifest.workspace.metadata.ssf)
    }

    /// What a release lacks.
    pub(crate) fn warning(&self) -> Option<&'static str> {
        (self.repository.is_empty() || self.documentation.is_empty()).then_some(
            "warning: the public address is unset ([workspace.metadata.ssf] in Cargo.toml): manifests do not name it",
        )
    }

    /// The files that name the address, as they are to be.
    pub(crate) fn files(&self, root: &Path) -> Result<Vec<(String, String)>> {
        let pages = pages(root)?;
        let write = |name: &str| -> Result<String> {
            let text = fs::read_to_string(root.join(name))?;
            match name {
                _ if CRATES.contains(&name) => self.in_crate(&text),
                _ if WHEELS.contains(&name) => self.in_wheel(&text),
                _ if NPM.contains(&name) => self.in_npm(&text),
                _ => self.in_readme(&text, &pages),
            }
        };
        let mut files = Vec::new();
        for name in [CRATES, WHEELS, NPM, READMES].concat() {
            files.push((name.to_owned(), write(name).map_err(|error| format!("{name}: {error}"))?));
        }
        Ok(files)
    }

    fn in_crate(&self, text: &str) -> Result<String> {
        let text = without(text, r#"(?m)^(repository|documentation) = ".*"\n"#)?;
        let lines = self.lines(["repository", "documentation"], |name, url| format!("{name} = \"{url}\"\n"));
        after(&text, "license.workspace = true\n", &lines)
    }

    fn in_wheel(&self, text: &str) -> Result<String> {
        let text = without(text, r#"(?m)^\[project\.urls\]\n(\w+ = ".*"\n)*\n"#)?;
        let lines = self.lines(["Repository", "Documentation"], |name, url| format!("{name} = \"{url}\"\n"));
        let table = if lines.is_empty() { lines } else { format!("[project.urls]\n{lines}\n") };
        after(&text, "dynamic = [\"version\"]\n\n", &table)
    }

    fn in_npm(&self, text: &str) -> Result<String> {
        let text = without(text, r#"(?m)^  "(homepage|repository)": .*,\n"#)?;
        let lines = self.lines(["repository", "homepage"], |name, url| match name {
            "homepage" => format!("  \"homepage\": \"{url}\",\n"),
            _ => format!("  \"repository\": {{ \"type\": \"git\", \"url\": \"git+{url}.git\" }},\n"),
        });
        after(&text, "  \"license\": \"(Apache-2.0 OR MIT)\",\n", &lines)
    }

    /// A line for the repository and one for the documentation, by these names, as far as they are set.
    fn lines(&self, names: [&str; 2], line: impl Fn(&str, &str) -> String) -> String {
        let urls = names.into_iter().zip([&self.repository, &self.documentation]);
        let lines: Vec<_> =
            urls.filter(|(_, url)| !url.is_empty()).map(|(name, url)| line(name, url)).collect();
        lines.concat()
    }

    /// The links to pages of `docs/`, wherever they lead now.
    fn in_readme(&self, text: &str, pages: &BTreeSet<String>) -> Result<String> {
        let base = if self.documentation.is_empty() { IN_REPOSITORY } else { &self.documentation };
        let links = Regex::new(r"\]\([^)\s]*/([a-z-]+\.md)((?:#[^)\s]*)?)\)")?;
        let relink = |link: &Captures<'_>| {
            if pages.contains(&link[1]) {
                format!("]({base}/{}{})", &link[1], &link[2])
            } else {
                link[0].to_owned()
            }
        };
        Ok(links.replace_all(text, relink).into_owned())
    }
}

fn without(text: &str, pattern: &str) -> Result<String> {
    Ok(Regex::new(pattern)?.replace_all(text, "").into_owned())
}

/// The text with `lines` after `place`.
fn after(text: &str, place: &str, lines: &str) -> Result<String> {
    let (before, rest) =
        text.split_once(place).ok_or_else(|| format!("there is no line {:?}", place.trim_end()))?;
    Ok(format!("{before}{place}{lines}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::Address;

    fn address(repository: &str, documentation: &str) -> Address {
        Address { repository: repository.to_owned(), documentation: documentation.to_owned() }
    }

    #[test]
    fn every_manifest_names_the_address_once_and_none_where_it_is_unset() {
        let pages = ["keys.md".to_owned()].into();
        let crate_manifest = "[package]\nlicense.workspace = true\nkeywords.workspace = true\n";
        let wheel = "[project]\ndynamic = [\"version\"]\n\n[tool.maturin]\n";
        let npm = "{\n  \"license\": \"(Apache-2.0 OR MIT)\",\n  \"type\": \"commonjs\"\n}\n";
        let readme = "See [Keys](../docs/keys.md#rotation) and [others](https://example.com/other.md).\n";
        let all = |address: &Address, texts: [&str; 4]| {
            let [of_crate, of_wheel, of_npm, of_readme] = texts;
            [
                address.in_crate(of_crate).unwrap(),
                address.in_wheel(of_wheel).unwrap(),
                address.in_npm(of_npm).unwrap(),
                address.in_readme(of_readme, &pages).unwrap(),
            ]
        };
        let unset = address("", "");
        let plain = [crate_manifest, wheel, npm, readme];
        assert_eq!(all(&unset, plain), plain);
        assert!(unset.warning().is_some());

        let set = address("https://example.org/ssf", "https://example.org/ssf/docs");
        let named = all(&set, plain);
        assert!(set.warning().is_none());
        assert!(named[0].contains("repository = \"https://example.org/ssf\"\n"));
        assert!(named[1].contains("[project.urls]\nRepository = \"https://example.org/ssf\"\n"));
        assert!(named[2].contains("\"url\": \"git+https://example.org/ssf.git\""));
        assert!(named[3].contains("(https://example.org/ssf/docs/keys.md#rotation)"));
        assert!(named[3].contains("(https://example.com/other.md)"));
        // A second time nothing changes, another address replaces it, and without one all is as before.
        let again = |address: &Address| all(address, [&named[0], &named[1], &named[2], &named[3]]);
        assert_eq!(again(&set), named);
        let moved = again(&address("https://example.net/ssf", "https://example.net/docs"));
        assert!(moved.iter().all(|text| text.contains("example.net/") && !text.contains("example.org")));
        assert_eq!(again(&unset), plain);
    }
}
