//! The public API of the Swift package, from the symbol graphs of the compiler.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

use super::{Package, call};
use crate::{Result, install::clear, surface::Report};

/// The modules that are imported.
const MODULES: &[&str] = &["SSFTransmitter", "SSFTransmitterTesting"];
/// What every type is.
const EVERYWHERE: &[&str] = &["Swift.Copyable", "Swift.Escapable"];

#[derive(Deserialize)]
struct Graph {
    symbols: Vec<Symbol>,
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Symbol {
    identifier: Identifier,
    path_components: Vec<String>,
    declaration_fragments: Vec<Fragment>,
}

#[derive(Deserialize)]
struct Identifier {
    precise: String,
}

#[derive(Deserialize)]
struct Fragment {
    spelling: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    kind: String,
    source: String,
    target: String,
    target_fallback: Option<String>,
}

#[derive(Deserialize)]
struct Machine {
    target: Triple,
}

#[derive(Deserialize)]
struct Triple {
    triple: String,
}

/// The report of the package, which is built.
pub(super) fn report(package: &Package) -> Result<Report> {
    let folder = package.work.join("symbols");
    clear(&folder)?;
    fs::create_dir_all(&folder)?;
    let triple = triple(package)?;
    let mut text = String::new();
    for module in MODULES {
        extract(package, module, &triple, &folder)?;
        let json = fs::read_to_string(folder.join(format!("{module}.symbols.json")))?;
        text.extend(["# ", module, "\n\n", &rendered(&serde_json::from_str(&json)?), "\n"]);
    }
    Ok(Report::new("swift.txt", format!("{}\n", text.trim_end())))
}

fn triple(package: &Package) -> Result<String> {
    let output = package.command("-print-target-info", &package.sources).output()?;
    Ok(serde_json::from_slice::<Machine>(&output.stdout)?.target.triple)
}

fn extract(package: &Package, module: &str, triple: &str, folder: &Path) -> Result {
    let mut command = package.command("symbolgraph-extract", &package.sources);
    command.args(["-module-name", module, "-target", triple, "-minimum-access-level", "public"]);
    command.args(["-skip-synthesized-members", "-skip-inherited-docs"]);
    command.arg("-I").arg(package.scratch(&package.sources).join("debug/Modules"));
    command.arg("-I").arg(package.sources.join("Sources/CSSFTransmitter"));
    call(command.arg("-output-dir").arg(folder), "swift symbolgraph-extract")
}

/// A line for each symbol, below what it is a member of.
fn rendered(graph: &Graph) -> String {
    let names: BTreeMap<_, _> =
        graph.symbols.iter().map(|it| (&*it.identifier.precise, it.path_components.join("."))).collect();
    let mut conformances: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for it in graph.relationships.iter().filter(|it| it.kind == "conformsTo") {
        let name = names.get(&*it.target).or(it.target_fallback.as_ref()).unwrap_or(&it.target);
        if !EVERYWHERE.contains(&&**name) {
            conformances.entry(&it.source).or_default().push(name.trim_start_matches("Swift."));
        }
    }
    let mut lines: Vec<_> = graph
        .symbols
        .iter()
        .map(|it| {
            let mut line: String = it.declaration_fragments.iter().map(|part| &*part.spelling).collect();
            if let Some(protocols) = conformances.get_mut(&*it.identifier.precise) {
                protocols.sort_unstable();
                line.extend([": ", &protocols.join(", ")]);
            }
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            (&it.path_components, line)
        })
        .collect();
    lines.sort();
    let indented = |(path, line): (&Vec<String>, String)| ["    ".repeat(path.len() - 1), line].concat();
    lines.into_iter().map(indented).flat_map(|line| [line, "\n".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAPH: &str = r#"{
        "symbols": [
            {"identifier": {"precise": "b"}, "pathComponents": ["Key", "kid"],
             "declarationFragments": [{"spelling": "let"}, {"spelling": " kid: String"}]},
            {"identifier": {"precise": "a"}, "pathComponents": ["Key"],
             "declarationFragments": [{"spelling": "struct"}, {"spelling": " Key"}]}
        ],
        "relationships": [
            {"kind": "memberOf", "source": "b", "target": "a"},
            {"kind": "conformsTo", "source": "a", "target": "s8", "targetFallback": "Swift.Sendable"},
            {"kind": "conformsTo", "source": "a", "target": "sH", "targetFallback": "Swift.Hashable"},
            {"kind": "conformsTo", "source": "a", "target": "s_", "targetFallback": "Swift.Copyable"}
        ]
    }"#;

    #[test]
    fn members_are_below_their_type_and_its_protocols_beside_it() {
        let graph = serde_json::from_str(GRAPH).expect("a graph");
        assert_eq!(rendered(&graph), "struct Key: Hashable, Sendable\n    let kid: String\n");
    }
}
