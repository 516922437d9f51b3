//! The order of the core's modules: `core/modules.toml` lists them, each below those that use it.
//!
//! An import that the table does not list fails, and so does a module that uses one above it: a cycle cannot be written
//! down. The table in `docs/architecture.md` is generated from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use syn::visit::{self, Visit};

use crate::Result;

const TABLE: &str = "core/modules.toml";
const PAGE: &str = "docs/architecture.md";
/// Between these lines the page is generated.
const MARKS: (&str, &str) =
    ("<!-- modules: generated from core/modules.toml -->\n", "<!-- end of modules -->\n");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    module: Vec<Module>,
    #[serde(rename = "crate")]
    crates: Vec<Crate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Module {
    name: String,
    job: String,
    uses: BTreeSet<String>,
}

/// A crate of the workspace, and those of the workspace that it depends on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Crate {
    path: String,
    uses: BTreeSet<String>,
}

/// Compares the table with the sources.
pub(crate) fn check(root: &Path) -> Result {
    let table = read(root)?;
    let mut faults = Vec::new();
    order(table.module.iter().map(|module| (&module.name, &module.uses)), &mut faults);
    order(table.crates.iter().map(|member| (&member.path, &member.uses)), &mut faults);

    let actual = modules(&root.join("core/src"))?;
    let listed = table.module.iter().map(|module| (module.name.clone(), module.uses.clone())).collect();
    compare("module", &listed, &actual, &mut faults);
    let actual = crates(root)?;
    let listed = table.crates.iter().map(|member| (member.path.clone(), member.uses.clone())).collect();
    compare("crate", &listed, &actual, &mut faults);

    if faults.is_empty() { Ok(()) } else { Err(format!("{TABLE}:\n{}", faults.join("\n")).into()) }
}

/// The page of the architecture, with the expected table of modules.
pub(crate) fn page(root: &Path) -> Result<(String, String)> {
    let table = read(root)?;
    let mut rows = String::from("| module | job | uses |\n| --- | --- | --- |\n");
    for module in &table.module {
        let uses: Vec<_> = module.uses.iter().map(|name| format!("`{name}`")).collect();
        writeln!(rows, "| `{}` | {} | {} |", module.name, module.job, uses.join(", "))?;
    }
    let page = fs::read_to_string(root.join(PAGE))?;
    let (before, rest) = page.split_once(MARKS.0).ok_or(format!("{PAGE} has no line {}", MARKS.0))?;
    let (_, after) = rest.split_once(MARKS.1).ok_or(format!("{PAGE} has no line {}", MARKS.1))?;
    Ok((PAGE.to_owned(), format!("{before}{}{rows}{}{after}", MARKS.0, MARKS.1)))
}

fn read(root: &Path) -> Result<Table> {
    let text = fs::read_to_string(root.join(TABLE))?;
    toml::from_str(&text).map_err(|error| format!("{TABLE}: {error}").into())
}

/// Each uses only what is listed before it.
fn order<'a>(entries: impl Iterator<Item = (&'a String, &'a BTreeSet<String>)>, faults: &mut Vec<String>) {
    let mut below = BTreeSet::new();
    for (name, uses) in entries {
        for used in uses.iter().filter(|used| !below.contains(*used)) {
            faults.push(format!("{name} uses {used}, which is not listed above it"));
        }
        below.insert(name.clone());
    }
}

type Graph = BTreeMap<String, BTreeSet<String>>;

fn compare(kind: &str, listed: &Graph, actual: &Graph, faults: &mut Vec<String>) {
    for (name, uses) in actual {
        let Some(known) = listed.get(name) else {
            faults.push(format!("the {kind} {name} is missing"));
            continue;
        };
        for used in uses.difference(known) {
            faults.push(format!("the {kind} {name} imports {used}, and the table does not list it"));
        }
        for unused in known.difference(uses) {
            faults.push(format!("the {kind} {name} does not use {unused}"));
        }
    }
    for gone in listed.keys().filter(|name| !actual.contains_key(*name)) {
        faults.push(format!("there is no {kind} {gone}"));
    }
}

/// Which modules of a crate use which.
fn modules(sources: &Path) -> Result<Graph> {
    let mut files = Vec::new();
    collect(sources, &mut files)?;
    let mut graph = Graph::new();
    for file in files {
        let parts: Vec<_> = file.strip_prefix(sources)?.iter().map(|part| part.to_string_lossy()).collect();
        let name = parts[0].trim_end_matches(".rs").to_owned();
        if name == "lib" {
            continue;
        }
        // How often `super` leads out of the module to the top of the crate.
        let is_folder = parts.last().is_some_and(|last| last == "mod.rs");
        let depth = if is_folder { parts.len() - 1 } else { parts.len() };
        let mut imports = Imports { depth, found: BTreeSet::new() };
        imports.visit_file(&syn::parse_file(&fs::read_to_string(&file)?)?);
        graph.entry(name).or_default().extend(imports.found);
    }
    // Items of the crate's root are no modules.
    let names: BTreeSet<_> = graph.keys().cloned().collect();
    for (name, uses) in &mut graph {
        uses.retain(|used| used != name && names.contains(used));
    }
    Ok(graph)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// Finds what a file takes from the other modules of its crate.
struct Imports {
    depth: usize,
    found: BTreeSet<String>,
}

impl Imports {
    /// Notes the module that a path names, if it starts at the top of the crate.
    fn path(&mut self, segments: &[String]) {
        let supers = segments.iter().take_while(|segment| *segment == "super").count();
        let inside = match segments.first().map(String::as_str) {
            Some("crate") => segments.get(1),
            Some("super") if supers == self.depth => segments.get(supers),
            _ => None,
        };
        self.found.extend(inside.cloned());
    }

    fn tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.path(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.path(&with(&rename.ident)),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(before, item)),
            syn::UseTree::Glob(_) => self.path(before),
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(&path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        // What a macro is given may be anything: its words are enough.
        let words = item.tokens.to_string();
        let mut words = words.split_whitespace().peekable();
        while let Some(word) = words.next() {
            if word == "crate" && words.next_if_eq(&"::").is_some() {
                self.found.extend(words.peek().map(|name| (*name).to_owned()));
            }
        }
        visit::visit_macro(self, item);
    }
}

/// Which crates of the workspace depend on which, those that only tests need left aside.
fn crates(root: &Path) -> Result<Graph> {
    let manifest = |path: &Path| -> Result<toml::Table> { Ok(toml::from_str(&fs::read_to_string(path)?)?) };
    let workspace = manifest(&root.join("Cargo.toml"))?;
    let members = workspace["workspace"]["members"].as_array().ok_or("the workspace has no members")?;
    let mut manifests = BTreeMap::new();
    for member in members.iter().filter_map(toml::Value::as_str) {
        manifests.insert(member.to_owned(), manifest(&root.join(member).join("Cargo.toml"))?);
    }
    let name = |manifest: &toml::Table| manifest["package"]["name"].as_str().unwrap_or_default().to_owned();
    let paths: BTreeMap<_, _> =
        manifests.iter().map(|(path, manifest)| (name(manifest), path.clone())).collect();
    let uses = |manifest: &toml::Table| -> BTreeSet<String> {
        let tables =
            ["dependencies", "build-dependencies"].iter().filter_map(|kind| manifest.get(*kind)?.as_table());
        tables.flat_map(|table| table.keys().filter_map(|used| paths.get(used).cloned())).collect()
    };
    Ok(manifests.iter().map(|(path, manifest)| (path.clone(), uses(manifest))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(source: &str, depth: usize) -> Vec<String> {
        let mut imports = Imports { depth, found: BTreeSet::new() };
        imports.visit_file(&syn::parse_file(source).unwrap());
        imports.found.into_iter().collect()
    }

    #[test]
    fn imports_are_found_in_every_form() {
        let source = "
            use crate::{error::{self, Error}, json as exact};
            use super::super::set::Audience;
            use super::near;
            fn f() -> crate::time::Timestamp { debug!(crate :: lint, x); super::super::http::post() }
        ";
        assert_eq!(imports(source, 2), ["error", "http", "json", "lint", "set", "time"]);
        assert_eq!(imports("use super::near;", 1), ["near"]);
    }

    #[test]
    fn a_module_above_is_refused() {
        let uses = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let entries: Vec<(String, BTreeSet<String>)> =
            vec![("error".to_owned(), uses(&["lint"])), ("lint".to_owned(), uses(&["error"]))];
        let mut faults = Vec::new();
        order(entries.iter().map(|(name, uses)| (name, uses)), &mut faults);
        assert_eq!(faults, ["error uses lint, which is not listed above it"]);
    }
}
