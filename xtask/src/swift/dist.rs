//! The release package: sources, manifest and, on a Mac, the framework. What can be checked without a Mac is checked in
//! the tests, on a framework whose library is that of this machine.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{LIBRARY, Package, call, sqlite};
use crate::{
    Result,
    bill::{Artefact, Bill, LICENCES},
    install::clear,
    openssl,
    package::pages,
    run::cargo,
    shipped,
    target::{MACOS, System, Target},
};

/// The architectures of a Mac, and what Rust calls them.
const TARGETS: [&str; 2] = ["aarch64-apple-darwin", "x86_64-apple-darwin"];
const FRAMEWORK: &str = "CSSFTransmitter.xcframework";
/// The one slice of the framework.
const SLICE: &str = "macos-arm64_x86_64";

const MODULE_MAP: &str = "module CSSFTransmitter {\n    header \"CSSFTransmitter.h\"\n    export *\n}\n";

/// Assembles the package in `target/dist/swift/`: one for both architectures of a Mac.
pub(crate) fn run(root: &Path, target: &'static Target) -> Result {
    if target.system != System::MacOs && !target.is_here() {
        return Err(format!("the Swift package is released for macOS, not for {}", target.triple).into());
    }
    if target.system == System::MacOs && !cfg!(target_os = "macos") {
        return Err("the Swift package for macOS is built on a Mac".into());
    }
    let package = Package::new(root)?;
    package.build_native()?;
    package.compare_generated()?;
    let folder = root.join("target/dist/swift");
    clear(&folder)?;
    // Elsewhere than on a Mac nobody gets it: it shows, before a Mac is at hand, that the library can be released.
    let archive = if cfg!(target_os = "macos") { universal(&package)? } else { library(&package, target)? };
    let release = folder.join("SSFTransmitter");
    copy(&package.sources.join("Sources"), &release.join("Sources"))?;
    // The pages that texts and the README name.
    fs::create_dir_all(release.join("docs"))?;
    for page in pages(root)? {
        fs::copy(root.join("docs").join(&page), release.join("docs").join(&page))?;
    }
    let readme = fs::read_to_string(root.join("bindings-swift/README.md"))?;
    fs::write(release.join("README.md"), readme.replace("](../docs/", "](docs/"))?;
    for (from, to) in [
        ("CHANGELOG.md", "CHANGELOG.md"),
        ("LICENSE-APACHE", "LICENSE-APACHE"),
        ("LICENSE-MIT", "LICENSE-MIT"),
    ] {
        fs::copy(root.join(from), release.join(to))?;
    }
    for target in targets(target)? {
        let bill = Bill::read(root, Artefact::Swift, target)?.write(root)?;
        // The two processors of a Mac have the same licences.
        fs::copy(&bill.licences, release.join(LICENCES))?;
        bill.release(&folder.join("sbom"))?;
    }
    let manifest = manifest(&package)?;
    fs::write(release.join("Package.swift"), &manifest)?;
    if cfg!(target_os = "macos") {
        let framework = framework(&package, &folder, &archive)?;
        finish(&package, &framework, &release, &manifest)?;
    } else {
        println!(
            "left out, for it needs a Mac: the XCFramework, its checksum, and the line `released` in Package.swift"
        );
    }
    describe(&package, &release, None)?;
    println!("{}", release.display());
    Ok(())
}

/// The platforms that are in one package.
fn targets(target: &'static Target) -> Result<Vec<&'static Target>> {
    if target.system == System::MacOs {
        return Ok(TARGETS.map(Target::named).into_iter().collect::<std::result::Result<_, _>>()?);
    }
    Ok(vec![target])
}

/// The manifest of a release, which has no tests.
fn manifest(package: &Package) -> Result<String> {
    let text = fs::read_to_string(package.sources.join("Package.swift"))?;
    let wanted = format!(".macOS(.v{})", MACOS.trim_end_matches(".0"));
    if !text.contains(&wanted) || !text.contains(RELEASED) {
        return Err(format!("Package.swift has no {wanted}, or no line `{RELEASED}`").into());
    }
    let lines: Vec<_> = text.lines().filter(|line| !line.contains(".testTarget(")).collect();
    Ok(lines.join("\n") + "\n")
}

/// Has `SwiftPM` read a package, with the framework that is named.
fn describe(package: &Package, folder: &Path, framework: Option<&str>) -> Result {
    let mut describe = package.command("package", folder);
    describe.args(["describe", "--type", "json"]).env_remove("SSF_LIBRARY_DIR").env_remove("SSF_XCFRAMEWORK");
    if let Some(framework) = framework {
        describe.env("SSF_XCFRAMEWORK", framework);
    }
    let output = describe.output().map_err(|error| format!("swift package describe: {error}"))?;
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let kind =
        if framework.is_some() || cfg!(target_os = "macos") { "BinaryTarget" } else { "SystemLibraryTarget" };
    if output.status.success() && told.contains(kind) {
        return Ok(());
    }
    Err(format!("SwiftPM finds no {kind} in {}: {told}{errors}", folder.display()).into())
}

/// Checks what does not need a Mac: that the header declares what the library has, that `SwiftPM` takes the framework as it
/// is laid out here, and that manifest and release agree on the oldest macOS.
pub(super) fn check(package: &Package, library: &Path) -> Result {
    symbols(package, &library.join(LIBRARY))?;
    sqlite::check(&library.join(LIBRARY))?;
    let known = crate::run::program(&package.root, "rustc", "--print target-list").output()?;
    if let Some(unknown) = TARGETS.iter().find(|target| !known.lines().any(|line| line == **target)) {
        return Err(format!("rustc knows no target {unknown}").into());
    }
    let folder = package.work.join("framework");
    copy(&package.sources.join("Sources"), &folder.join("Sources"))?;
    fs::write(folder.join("Package.swift"), manifest(package)?)?;
    framework(package, &folder, &library.join(LIBRARY))?;
    plist(&folder.join(FRAMEWORK))?;
    describe(package, &folder, Some(FRAMEWORK))
}

/// The line of the manifest that a release fills in.
const RELEASED: &str = "let released: (url: String, checksum: String)? = nil";

/// Every function of the header is in the library, and every one of ours in the library is in the header.
fn symbols(package: &Package, library: &Path) -> Result {
    let listed = Command::new("nm").args(["-g", "--defined-only"]).arg(library).output()?;
    let is_ours = |name: &&str| name.contains("ssf_transmitter_swift") && !name.starts_with("UNIFFI_META");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let has: BTreeSet<_> = listed
        .lines()
        .filter_map(|line| line.rsplit(' ').next())
        .map(|name| name.trim_start_matches('_'))
        .filter(|name| name.starts_with("uniffi_") || name.starts_with("ffi_"))
        .filter(is_ours)
        .collect();
    let header = fs::read_to_string(package.sources.join("Sources/CSSFTransmitter/CSSFTransmitter.h"))?;
    let declared: BTreeSet<_> = header
        .split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| word.starts_with("uniffi_ssf") || word.starts_with("ffi_ssf"))
        .filter(is_ours)
        .collect();
    if declared.is_empty() {
        return Err("the header declares nothing".into());
    }
    if let Some(name) = declared.difference(&has).next() {
        return Err(format!("the header declares {name}, which is not in the library").into());
    }
    match has.difference(&declared).next() {
        Some(name) => Err(format!("the library has {name}, which the header does not declare").into()),
        None => Ok(()),
    }
}

/// The library for both architectures in one file.
fn universal(package: &Package) -> Result<PathBuf> {
    let archives = TARGETS.map(|triple| library(package, Target::named(triple)?));
    let archives = archives.into_iter().collect::<Result<Vec<_>>>()?;
    let archive = package.work.join(LIBRARY);
    call(Command::new("lipo").arg("-create").args(&archives).arg("-output").arg(&archive), "lipo")?;
    Ok(archive)
}

/// The library as it is released.
fn library(package: &Package, target: &Target) -> Result<PathBuf> {
    let mut line = "build --release --locked -p ssf-transmitter-swift".to_owned();
    if let Some(triple) = target.cross() {
        line.extend([" --target ", triple]);
    }
    cargo(&package.root, &line).envs(&shipped::variables(&package.root, target)?).run()?;
    let released = package.work.join(format!("release-{}", target.triple));
    clear(&released)?;
    fs::create_dir_all(&released)?;
    // A copy: cargo would not make its own again.
    let library = released.join(LIBRARY);
    fs::copy(shipped::folder(&package.root, target).join(LIBRARY), &library)?;
    openssl::check(&library)?;
    sqlite::hide(&library, &released)?;
    Ok(library)
}

/// Lays out the framework. The header has its own folder: module maps of two packages would collide.
fn framework(package: &Package, folder: &Path, archive: &Path) -> Result<PathBuf> {
    let framework = folder.join(FRAMEWORK);
    let headers = framework.join(SLICE).join("Headers/CSSFTransmitter");
    fs::create_dir_all(&headers)?;
    fs::copy(archive, framework.join(SLICE).join(LIBRARY))?;
    fs::copy(
        package.sources.join("Sources/CSSFTransmitter/CSSFTransmitter.h"),
        headers.join("CSSFTransmitter.h"),
    )?;
    fs::write(headers.join("module.modulemap"), MODULE_MAP)?;
    fs::write(framework.join("Info.plist"), information())?;
    Ok(framework)
}

/// What Xcode reads of a framework.
fn information() -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
    <key>AvailableLibraries</key>
    <array>
        <dict>
            <key>BinaryPath</key>
            <string>{LIBRARY}</string>
            <key>HeadersPath</key>
            <string>Headers</string>
            <key>LibraryIdentifier</key>
            <string>{SLICE}</string>
            <key>LibraryPath</key>
            <string>{LIBRARY}</string>
            <key>SupportedArchitectures</key>
            <array>
                <string>arm64</string>
                <string>x86_64</string>
            </array>
            <key>SupportedPlatform</key>
            <string>macos</string>
        </dict>
    </array>
    <key>CFBundlePackageType</key>
    <string>XFWK</string>
    <key>XCFrameworkFormatVersion</key>
    <string>1.0</string>
</dict>
</plist>
"#
    )
}

/// Every path that the property list names is there.
fn plist(framework: &Path) -> Result {
    let text = fs::read_to_string(framework.join("Info.plist"))?;
    let named = |key: &str| {
        let (_, rest) = text.split_once(&format!("<key>{key}</key>"))?;
        Some(rest.split_once("<string>")?.1.split_once("</string>")?.0.to_owned())
    };
    let slice = framework.join(named("LibraryIdentifier").ok_or("Info.plist names no library")?);
    for key in ["LibraryPath", "HeadersPath"] {
        let path = slice.join(named(key).ok_or_else(|| format!("Info.plist has no {key}"))?);
        if !path.exists() {
            return Err(format!("Info.plist names {}, which is not there", path.display()).into());
        }
    }
    Ok(())
}

/// Packs the framework, and names it in the manifest of the release.
fn finish(package: &Package, framework: &Path, release: &Path, manifest: &str) -> Result {
    let archive = framework.with_extension("xcframework.zip");
    let mut pack = Command::new("ditto");
    call(pack.args(["-c", "-k", "--keepParent"]).arg(framework).arg(&archive), "ditto")?;
    let mut checksum = package.command("package", release);
    let output = checksum.arg("compute-checksum").arg(&archive).output()?;
    let checksum = String::from_utf8(output.stdout)?;
    let url = std::env::var("SSF_RELEASE_URL")
        .map_err(|_| "set SSF_RELEASE_URL to the URL that CSSFTransmitter.xcframework.zip will have")?;
    let released = format!("{} (\"{url}\", \"{}\")", RELEASED.trim_end_matches(" nil"), checksum.trim());
    fs::write(release.join("Package.swift"), manifest.replace(RELEASED, &released))?;
    println!("{}", archive.display());
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
