//! Compiles the Swift code of README, articles and documentation comments, each block as the body of a function.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::Package;
use crate::Result;

/// What the blocks take for granted.
const GIVEN: &str = "file: URL, key: SigningKey, transmitter: Transmitter, acme: Receiver, event: CAEP.SessionRevoked, \
                     subject: Subject, users: [String], token: String, configuration: TransmitterConfiguration, \
                     providers: OktaProviders, receipt: Receipt, outbox: Outbox";

const MANIFEST: &str = r#"// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "Documentation",
    platforms: [.macOS(.v13)],
    dependencies: [.package(path: "PACKAGE")],
    targets: [
        .target(
            name: "Documentation",
            dependencies: [
                .product(name: "SSFTransmitter", package: "bindings-swift"),
                .product(name: "SSFTransmitterTesting", package: "bindings-swift"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
"#;

pub(super) fn compile(package: &Package, library: &Path) -> Result {
    let folder = package.work.join("documentation");
    let sources = folder.join("Sources/Documentation");
    if sources.exists() {
        fs::remove_dir_all(&sources)?;
    }
    fs::create_dir_all(&sources)?;
    fs::write(folder.join("Package.swift"), MANIFEST.replace("PACKAGE", &package.sources.to_string_lossy()))?;
    // What the README shows of the enclave is defined in the example.
    let enclave = package.root.join("examples/swift/Sources/EnclaveAgent/EnclaveSigner.swift");
    fs::copy(enclave, sources.join("EnclaveSigner.swift"))?;

    let mut files = vec![package.sources.join("README.md")];
    for target in ["SSFTransmitter", "SSFTransmitterTesting"] {
        collect(&package.sources.join("Sources").join(target), &mut files)?;
    }
    files.sort();
    let mut count = 0;
    for file in files {
        for block in blocks(&fs::read_to_string(&file)?) {
            count += 1;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            fs::write(sources.join(format!("Example{count}.swift")), wrapped(&block, count, &name))?;
        }
    }
    if count < 15 {
        return Err(format!("the documentation has {count} examples: are they found?").into());
    }
    println!("{count} examples in the documentation");
    package.swift(&folder, "build", library, &["-Xswiftc", "-suppress-warnings"])
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// The blocks of Swift in a text, in Markdown or in documentation comments.
fn blocks(text: &str) -> Vec<String> {
    let (mut blocks, mut open): (Vec<String>, Option<String>) = (Vec::new(), None);
    for line in text.lines() {
        let comment =
            line.trim_start().strip_prefix("///").map(|line| line.strip_prefix(' ').unwrap_or(line));
        let line = comment.unwrap_or(line);
        match (&mut open, line.trim_end()) {
            (None, "```swift") => open = Some(String::new()),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some(block), line) => {
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    blocks
}

/// A block as a file. What needs a Mac is compiled on one.
fn wrapped(block: &str, number: usize, file: &str) -> String {
    let (imports, body): (Vec<_>, Vec<_>) = block.lines().partition(|line| line.starts_with("import "));
    let (imports, body) = (imports.join("\n"), body.join("\n"));
    let code = format!(
        "// {file}\nimport Foundation\nimport SSFTransmitter\nimport SSFTransmitterTesting\n{imports}\nfunc example{number}({GIVEN}) async throws {{\n{body}\n}}\n"
    );
    if block.contains("Enclave") {
        format!("#if canImport(CryptoKit)\nimport CryptoKit\n{code}#endif\n")
    } else {
        code
    }
}
