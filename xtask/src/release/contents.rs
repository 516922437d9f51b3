//! What is in the packages of `target/dist/`: all that belongs there, and nothing else.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Bills, versions::OURS};
use crate::{
    Result,
    bill::{Artefact, Bill, LICENCES},
    cli::archive,
    install::{call, clear},
    package::pages,
    target::{System, Target},
};

/// Our own licences.
const OUR_LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
/// What the JavaScript of the Node package consists of.
const JAVASCRIPT: [&str; 4] = [".js", ".mjs", ".d.ts", ".d.mts"];

/// A package, and the files in it.
struct Package {
    /// Its name; of a wheel only how it begins, as its tag follows.
    name: String,
    files: BTreeSet<String>,
}

/// Checks the packages that are there; if `all` are to be there, those of each platform have to.
pub(super) fn check(root: &Path, bills: &Bills, all: bool) -> Result<String> {
    let (mut checked, mut missing) = (0, Vec::new());
    for (artefact, target, bill) in bills.values().filter(|(artefact, ..)| *artefact != Artefact::Swift) {
        let folder = target.released(root, folder(*artefact));
        if !folder.exists() {
            missing.push(format!("{}/{}", target.triple, self::folder(*artefact)));
            continue;
        }
        let packages = packages(root, *artefact, target)?;
        let there = names(&folder)?;
        if let Some(name) = there.iter().find(|name| packages.iter().all(|package| !package.is(name))) {
            return Err(format!("{}: {name} does not belong there", folder.display()).into());
        }
        for package in &packages {
            let name = there.iter().find(|name| package.is(name));
            let name = name.ok_or_else(|| format!("{}: {} is missing", folder.display(), package.name))?;
            package
                .check(&root.join("target/release-check"), &folder.join(name), bill)
                .map_err(|error| format!("{}/{name}: {error}", target.triple))?;
            checked += 1;
        }
        let sbom = target.released(root, "sbom").join(artefact.sbom(target));
        if fs::read_to_string(&sbom).ok() != Some(bill.sbom()?) {
            return Err(format!("{} is missing, or is not that of this checkout", sbom.display()).into());
        }
    }
    match missing.is_empty() {
        false if all => Err(format!("target/dist has no {}", missing.join(", ")).into()),
        false => Ok(format!("{checked} packages hold what they should; not built: {}", missing.join(", "))),
        true => Ok(format!("{checked} packages hold what they should")),
    }
}

fn folder(artefact: Artefact) -> &'static str {
    match artefact {
        Artefact::Cli => "cli",
        Artefact::Node => "node",
        Artefact::Python => "python",
        Artefact::Swift => "swift",
    }
}

/// The packages of an artefact for a platform.
fn packages(root: &Path, artefact: Artefact, target: &Target) -> Result<Vec<Package>> {
    let program = target.program("ssf");
    match artefact {
        Artefact::Python => {
            let native = if target.system == System::Windows { "_native.pyd" } else { "_native.abi3.so" };
            let sources = files(&root.join("bindings-python/python"))?;
            let mut inside: Vec<_> = sources.into_iter().filter(|name| is_source(name)).collect();
            inside.push(format!("ssf_transmitter/{native}"));
            Ok(vec![wheel("ssf_transmitter", &["entry_points.txt"], &inside, &artefact.sbom(target))])
        }
        Artefact::Node => {
            let pages = pages(root)?.into_iter().map(|page| format!("docs/{page}"));
            Ok(vec![
                npm("ssf-transmitter", pages.collect(), false),
                npm(
                    &format!("ssf-transmitter-{}", target.npm),
                    vec![format!("ssf-transmitter.{}.node", target.npm)],
                    true,
                ),
            ])
        }
        Artefact::Cli => {
            let scripts = format!("ssf_transmitter_cli-{OURS}.data/scripts/{program}");
            let own = ["index.d.ts", "index.js", "ssf.js"].map(str::to_owned);
            Ok(vec![
                wheel("ssf_transmitter_cli", &[], &[scripts], &artefact.sbom(target)),
                npm("ssf-transmitter-cli", own.to_vec(), false),
                npm(&format!("ssf-transmitter-cli-{}", target.npm), vec![program], true),
                archive(target),
            ])
        }
        Artefact::Swift => Ok(Vec::new()),
    }
}

/// A wheel: nothing but its package is in the root, where other wheels have theirs.
fn wheel(name: &str, metadata: &[&str], inside: &[String], sbom: &str) -> Package {
    let licences = OUR_LICENCES.iter().chain(&[LICENCES]).map(|name| format!("licenses/{name}"));
    let metadata = ["METADATA", "RECORD", "WHEEL"].iter().chain(metadata).map(|name| (*name).to_owned());
    let metadata = metadata.chain(licences).chain([format!("sboms/{sbom}")]);
    let metadata = metadata.map(|file| format!("{name}-{OURS}.dist-info/{file}"));
    let files = metadata.chain(inside.iter().cloned()).collect();
    Package { name: format!("{name}-{OURS}-"), files }
}

/// A package of npm. One with a binary has the licences of what is linked.
fn npm(name: &str, mut inside: Vec<String>, binary: bool) -> Package {
    inside.extend(["README.md", "package.json"].iter().chain(&OUR_LICENCES).map(|name| (*name).to_owned()));
    inside.extend(binary.then(|| LICENCES.to_owned()));
    let files = inside.iter().map(|file| format!("package/{file}")).collect();
    Package { name: format!("{name}-{OURS}.tgz"), files }
}

/// The archive of the command.
fn archive(target: &Target) -> Package {
    let name = archive::name(target);
    let files = archive::files(target).iter().map(|file| format!("{name}/{file}")).collect();
    Package { name: format!("{name}.tar.gz"), files }
}

impl Package {
    /// Whether a file is this package.
    fn is(&self, file: &str) -> bool {
        file == self.name
            || (self.name.ends_with('-') && file.starts_with(&self.name) && is_wheel(Path::new(file)))
    }

    fn check(&self, work: &Path, file: &Path, bill: &Bill) -> Result {
        let differing = self.differs(work, file)?;
        if !differing.is_empty() {
            return Err(format!("missing, or not to be published: {}", differing.join(", ")).into());
        }
        match self.files.iter().find(|name| name.ends_with(LICENCES)) {
            Some(licences) if fs::read_to_string(work.join(licences))? != bill.licences()? => {
                Err(format!("{licences} is not that of this checkout").into())
            }
            _ => Ok(()),
        }
    }

    /// Unpacks it into an empty folder, and names what is missing or not to be published.
    fn differs(&self, work: &Path, file: &Path) -> Result<Vec<String>> {
        clear(work)?;
        fs::create_dir_all(work)?;
        unpack(file, work)?;
        let mut found = files(work)?;
        // The manual has a page for each subcommand.
        found.retain(|name| !name.contains("/man/ssf-"));
        // What TypeScript writes is tested by what it does; here, nothing else is beside it.
        if self.name == format!("ssf-transmitter-{OURS}.tgz") {
            found.retain(|name| {
                !(name.starts_with("package/dist/") && JAVASCRIPT.iter().any(|end| name.ends_with(end)))
            });
        }
        Ok(found.symmetric_difference(&self.files).cloned().collect())
    }
}

/// Unpacks a wheel or a package of npm.
fn unpack(file: &Path, folder: &Path) -> Result {
    let wheel = is_wheel(file);
    let mut command = Command::new(if wheel { "python3" } else { "tar" });
    if wheel {
        command.args(["-m", "zipfile", "-e"]).arg(file).arg(folder);
    } else {
        command.arg("-xzf").arg(file).arg("-C").arg(folder);
    }
    call(&mut command, if wheel { "python3" } else { "tar" }, "it unpacks packages")
}

fn is_wheel(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "whl")
}

/// Whether a file of the source folder belongs into the wheel.
fn is_source(name: &str) -> bool {
    !name.contains("__pycache__") && !name.contains("/_native.") || name.ends_with("_native.pyi")
}

/// The names in a folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// All files below a folder, with `/` between the parts of their paths.
fn files(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut rest = vec![PathBuf::new()];
    while let Some(below) = rest.pop() {
        for name in names(&folder.join(&below))? {
            let path = below.join(&name);
            if folder.join(&path).is_dir() {
                rest.push(path);
            } else {
                let parts = path.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>();
                found.insert(parts.join("/"));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_known_by_its_name() {
        let wheel = wheel("ssf_transmitter", &[], &[], "x.cdx.json");
        assert!(wheel.is(&format!("ssf_transmitter-{OURS}-cp310-abi3-manylinux_2_28_x86_64.whl")));
        assert!(!wheel.is(&format!("ssf_transmitter-{OURS}-cp310-abi3-manylinux_2_28_x86_64.whl.asc")));
        assert!(!wheel.is(&format!("ssf_transmitter_cli-{OURS}-py3-none-win_amd64.whl")));
        let npm = npm("ssf-transmitter", Vec::new(), false);
        assert!(npm.is(&format!("ssf-transmitter-{OURS}.tgz")));
        assert!(!npm.is(&format!("ssf-transmitter-linux-x64-gnu-{OURS}.tgz")));
    }

    #[test]
    fn only_packages_with_a_binary_have_the_licences_of_others() {
        let has = |package: Package| package.files.iter().any(|file| file.ends_with(LICENCES));
        assert!(has(npm("a", vec!["a.node".to_owned()], true)) && !has(npm("a", Vec::new(), false)));
        let wheel = wheel("a", &["entry_points.txt"], &["a/__init__.py".to_owned()], "a.cdx.json");
        // Other packages have files in the same folder.
        assert!(
            wheel.files.iter().all(|file| file.starts_with("a/") || file.starts_with(&format!("a-{OURS}.")))
        );
        assert!(has(wheel));
    }

    #[test]
    fn a_package_with_more_or_less_in_it_is_refused() {
        let work = std::env::temp_dir().join(format!("contents-{}", std::process::id()));
        let inside = work.join("package");
        fs::create_dir_all(&inside).unwrap();
        let package = npm("ssf-transmitter-cli", Vec::new(), false);
        let pack = |names: &[&str]| {
            clear(&inside).unwrap();
            fs::create_dir_all(&inside).unwrap();
            for name in names {
                fs::write(inside.join(name), b"").unwrap();
            }
            let tarball = work.join(&package.name);
            let mut tar = Command::new("tar");
            let tar = tar.arg("-czf").arg(&tarball).arg("-C").arg(&work).arg("package");
            assert!(tar.status().unwrap().success());
            package.differs(&work.join("unpacked"), &tarball).unwrap()
        };
        let all = ["LICENSE-APACHE", "LICENSE-MIT", "README.md", "package.json"];
        assert_eq!(pack(&all), Vec::<String>::new());
        assert_eq!(pack(&all[1..]), ["package/LICENSE-APACHE"]);
        assert_eq!(pack(&[&all[..], &[".env"]].concat()), ["package/.env"]);
        fs::remove_dir_all(&work).unwrap();
    }
}
