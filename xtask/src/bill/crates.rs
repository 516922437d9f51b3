//! The crates of an artefact, from `cargo tree`: it resolves features for one package and one platform, as a build
//! does.
//!
//! cargo-cyclonedx 0.5.9, which maturin embeds, and cargo-about start from `cargo metadata`, which resolves the whole
//! workspace. For the command, the former lists 293 crates, where 248 are linked, among them an OpenSSL that is not
//! shipped. It knows no SQLite.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use toml::Table;

use super::{Part, licences};
use crate::{Result, run::cargo, target::Target};

/// The name and the version of a crate.
type Id = (String, String);
/// Crates, and which of them, by its index, uses which.
type Graph = (Vec<Id>, BTreeSet<(usize, usize)>);

/// The crates that are linked into `package`, which comes first.
pub(super) fn read(root: &Path, package: &str, target: &Target) -> Result<Vec<Part>> {
    // What runs in the compiler, and what builds, is in no binary.
    let line = format!(
        "tree --locked -p {package} -e normal,no-proc-macro --target {} --prefix depth --format {{p}}",
        target.triple
    );
    let (ids, edges) = parse(&cargo(root, &line).output()?)?;
    let line = format!("metadata --locked --format-version 1 --filter-platform {}", target.triple);
    let metadata: Value = serde_json::from_str(&cargo(root, &line).output()?)?;
    let checksums = checksums(root)?;
    let mut parts = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let (name, version) = id;
        let found =
            find(&metadata, name, version).ok_or_else(|| format!("cargo does not know {name} {version}"))?;
        // Before there were expressions, a slash meant a choice.
        let licence = found["license"].as_str().unwrap_or_default().replace('/', " OR ");
        let ours = found["source"].is_null();
        let texts = if ours { licences::ours(root)? } else { licences::texts(&folder(found)?, &licence)? };
        if texts.is_empty() {
            return Err(format!("{name} {version} has no licence that is known").into());
        }
        parts.push(Part {
            name: name.clone(),
            version: version.clone(),
            licence,
            purl: format!("pkg:cargo/{name}@{}", version.replace('+', "%2B")),
            cpe: None,
            checksum: checksums.get(id).cloned(),
            texts,
            needs: edges.iter().filter(|(from, _)| *from == number).map(|(_, to)| *to).collect(),
        });
    }
    Ok(parts)
}

/// Reads lines such as `2serde v1.0.229`: how far the crate is below the first one, which the crate above it uses.
fn parse(tree: &str) -> Result<Graph> {
    let (mut ids, mut edges, mut path) = (Vec::<Id>::new(), BTreeSet::new(), Vec::<usize>::new());
    for line in tree.lines() {
        let start = line.find(|c: char| !c.is_ascii_digit()).unwrap_or_default();
        let depth: usize = line[..start].parse().map_err(|_| format!("cargo tree prints {line:?}"))?;
        let mut words = line[start..].split(' ');
        let (Some(name), Some(version)) =
            (words.next(), words.next().and_then(|word| word.strip_prefix('v')))
        else {
            return Err(format!("cargo tree prints {line:?}").into());
        };
        let id = (name.to_owned(), version.to_owned());
        let number = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
            ids.push(id);
            ids.len() - 1
        });
        path.truncate(depth);
        edges.extend(path.last().map(|above| (*above, number)));
        path.push(number);
    }
    Ok((ids, edges))
}

/// The package of a crate in what `cargo metadata` prints.
pub(super) fn find<'a>(metadata: &'a Value, name: &str, version: &str) -> Option<&'a Value> {
    let mut packages = metadata["packages"].as_array()?.iter();
    packages.find(|package| package["name"] == name && package["version"] == version)
}

/// Where the sources of a package are.
pub(super) fn folder(package: &Value) -> Result<PathBuf> {
    let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
    Ok(manifest.parent().ok_or("cargo names no manifest")?.to_owned())
}

/// The checksums in the lock file.
fn checksums(root: &Path) -> Result<BTreeMap<Id, String>> {
    let lock: Table = toml::from_str(&fs::read_to_string(root.join("Cargo.lock"))?)?;
    let packages = lock.get("package").and_then(toml::Value::as_array).ok_or("Cargo.lock has no packages")?;
    let text = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    Ok(packages
        .iter()
        .filter_map(|package| {
            Some(((text(package, "name")?, text(package, "version")?), text(package, "checksum")?))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_names_each_crate_once_and_what_it_uses() {
        let tree = "0a v1.0.0 (/a)\n1b v2.0.0\n2c v3.1.0+4.0\n1c v3.1.0+4.0 (*)\n1d v0.1.0\n2b v2.0.0 (*)\n";
        let (ids, edges) = parse(tree).unwrap();
        let names: Vec<_> = ids.iter().map(|(name, version)| format!("{name} {version}")).collect();
        assert_eq!(names, ["a 1.0.0", "b 2.0.0", "c 3.1.0+4.0", "d 0.1.0"]);
        assert_eq!(Vec::from_iter(edges), [(0, 1), (0, 2), (0, 3), (1, 2), (3, 1)]);
        assert!(parse("b v2.0.0").is_err() && parse("0b").is_err());
    }
}
