//! What is linked and is no crate: the C that crates compile, Rust's standard library, and what zig adds.

use std::{collections::BTreeSet, path::Path};

use serde_json::Value;

use super::{Part, crates, licences};
use crate::{
    Result, openssl,
    run::{cargo, program},
    target::{System, Target},
    zig,
};

/// What the package URLs of libraries that are no crates begin with.
pub(super) const PURL: &str = "pkg:generic/";

/// Adds it to the crates.
pub(super) fn add(root: &Path, parts: &mut Vec<Part>, target: &'static Target) -> Result {
    let line = format!("metadata --locked --format-version 1 --filter-platform {}", target.triple);
    let metadata: Value = serde_json::from_str(&cargo(root, &line).output()?)?;
    for (by, read) in [
        ("openssl-sys", openssl as fn(&Path, &Path) -> Result<Part>),
        ("libsqlite3-sys", sqlite),
        ("libmimalloc-sys", mimalloc),
    ] {
        let Some(index) = parts.iter().position(|part| part.name == by) else { continue };
        let package =
            crates::find(&metadata, by, &parts[index].version).ok_or("cargo has forgotten a crate")?;
        let part = read(root, &crates::folder(package)?)?;
        let number = parts.len();
        parts[index].needs.insert(number);
        parts.push(part);
    }
    let mut of_toolchain = vec![standard_library(root)?];
    if target.system.is_linux() {
        of_toolchain.push(of_zig(root, target)?);
    }
    for part in of_toolchain {
        let number = parts.len();
        parts[0].needs.insert(number);
        parts.push(part);
    }
    Ok(())
}

fn part(name: &str, version: &str, licence: &str, texts: Vec<String>) -> Part {
    Part {
        name: name.to_owned(),
        version: version.to_owned(),
        licence: licence.to_owned(),
        purl: format!("{PURL}{name}@{version}"),
        cpe: None,
        checksum: None,
        texts,
        needs: BTreeSet::new(),
    }
}

fn cpe(vendor_and_product: &str, version: &str) -> String {
    format!("cpe:2.3:a:{vendor_and_product}:{version}:*:*:*:*:*:*:*")
}

/// OpenSSL of `xtask/openssl/`, which releases have instead of the one that comes with openssl-sys.
fn openssl(root: &Path, _: &Path) -> Result<Part> {
    let (version, folder) = openssl::source(root)?;
    let text = licences::text(&folder.join("openssl/LICENSE.txt"))?;
    let part = part("openssl", &version, "Apache-2.0", vec![text]);
    Ok(Part { cpe: Some(cpe("openssl:openssl", &version)), ..part })
}

/// SQLite, which the header of its only file puts into the public domain.
fn sqlite(_: &Path, folder: &Path) -> Result<Part> {
    let header = licences::text(&folder.join("sqlite3/sqlite3.h"))?;
    let version = defined(&header, "SQLITE_VERSION").ok_or("sqlite3.h names no version")?.trim_matches('"');
    let blessing = header.split("****").next().unwrap_or_default();
    let text = blessing.lines().map(|line| line.trim_start_matches(['/', '*']).trim()).collect::<Vec<_>>();
    let part = part("sqlite", version, "blessing", vec![text.join("\n").trim().to_owned()]);
    Ok(Part { cpe: Some(cpe("sqlite:sqlite", version)), ..part })
}

/// mimalloc, in the version that `bindings-node/Cargo.toml` chooses.
fn mimalloc(_: &Path, folder: &Path) -> Result<Part> {
    let folder = folder.join("c_src/mimalloc/v2");
    let header = licences::text(&folder.join("include/mimalloc.h"))?;
    let number: u32 = defined(&header, "MI_MALLOC_VERSION").ok_or("mimalloc.h names no version")?.parse()?;
    let version = format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100);
    let part = part("mimalloc", &version, "MIT", vec![licences::text(&folder.join("LICENSE"))?]);
    Ok(Part { cpe: Some(cpe("microsoft:mimalloc", &version)), ..part })
}

/// What a header defines a name as.
fn defined<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = header.lines().filter_map(|line| line.strip_prefix("#define ")?.strip_prefix(name));
    lines.find(|rest| rest.starts_with(' '))?.split_whitespace().next()
}

/// Rust's standard library, with the crates in it. Its notices come with the compiler, as HTML.
fn standard_library(root: &Path) -> Result<Part> {
    let sysroot = program(root, "rustc", "--print sysroot").output()?;
    let notices = Path::new(sysroot.trim()).join("share/doc/rust/COPYRIGHT-library.html");
    let version = program(root, "rustc", "--version").output()?;
    let version = version.split(' ').nth(1).ok_or("rustc does not tell its version")?.to_owned();
    let text = plain(&licences::text(&notices)?);
    Ok(part("rust-std", &version, "MIT OR Apache-2.0", vec![text]))
}

/// The text of a page.
fn plain(html: &str) -> String {
    let body = html.split_once("<body>").map_or(html, |(_, body)| body);
    let mut text = String::new();
    for piece in body.split('<') {
        text.push_str(piece.split_once('>').map_or(piece, |(_, rest)| rest));
    }
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&")]
    {
        text = text.replace(entity, character);
    }
    let mut lines: Vec<_> = text.lines().map(str::trim_end).collect();
    lines.dedup_by(|line, before| line.trim().is_empty() && before.trim().is_empty());
    lines.join("\n").trim().to_owned()
}

/// zig's runtime library and unwinder; in programs for musl, musl too.
fn of_zig(root: &Path, target: &Target) -> Result<Part> {
    let (version, folder) = zig::sources(root, target)?;
    let mut files = vec!["LICENSE", "lib/libunwind/LICENSE.TXT"];
    if target.system == System::Musl {
        files.push("lib/libc/musl/COPYRIGHT");
    }
    let texts = files.iter().map(|file| licences::text(&folder.join(file))).collect::<Result<_>>()?;
    Ok(part("zig", &version, "MIT AND Apache-2.0 WITH LLVM-exception", texts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_defines_names() {
        let header = "#define SQLITE_VERSION_NUMBER 3054001\n#define SQLITE_VERSION        \"3.54.1\"\n";
        assert_eq!(defined(header, "SQLITE_VERSION"), Some("\"3.54.1\""));
        assert_eq!(defined(header, "SQLITE"), None);
    }

    #[test]
    fn a_page_is_read_without_its_markup() {
        let page = "<head><title>x</title></head><body><h1>A</h1>\n\n  \n\n<pre>b &lt;c&gt;\n d</pre></body>";
        assert_eq!(plain(page), "A\n\nb <c>\n d");
    }
}
