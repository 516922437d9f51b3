//! `cargo xtask stress addresses`: the native modules of Python and Node under `AddressSanitizer`, with all their
//! tests.
//!
//! Rust, OpenSSL and SQLite are instrumented; the interpreters are not, so the runtime of GCC is loaded before them. A
//! leak is not looked for: interpreters leave much behind when they end.

use std::{env, path::Path, process::Command};

use crate::{
    Result, node,
    openssl::Variables,
    python,
    run::{host, program, target},
};

/// What makes the builds instrumented. rustc has the sanitizer on stable toolchains, too, for those who ask for
/// unstable options.
const RUST: [(&str, &str); 2] = [("RUSTC_BOOTSTRAP", "1"), ("RUSTFLAGS", "-Zsanitizer=address")];
const C: (&str, &str) = ("CFLAGS", "-fsanitize=address -fno-omit-frame-pointer");
/// How the runtime behaves. Node maps its heap where the default would complain; a child of a fork reports into the
/// same place.
const OPTIONS: &str = "detect_leaks=0:abort_on_error=1:detect_odr_violation=0:allocator_may_return_null=1";

pub(crate) fn run(root: &Path) -> Result {
    if !cfg!(target_os = "linux") {
        return Err(
            "the sanitizer's runtime is loaded before the interpreters by LD_PRELOAD, as on Linux".into()
        );
    }
    let build = variables(root)?;
    let runtime = runtime(root)?;
    let run = |command: &mut Command| {
        command.env("LD_PRELOAD", &runtime).env("ASAN_OPTIONS", OPTIONS);
    };
    python::sanitize(root, &build, run)?;
    node::sanitize(root, &build, run)
}

/// The variables of an instrumented build, in a folder of its own. With a target, what runs during the build is not
/// instrumented.
fn variables(root: &Path) -> Result<Variables> {
    let folder = target(root).join("addresses");
    let mut variables = Variables::from_iter(RUST.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables.insert(C.0.to_owned(), C.1.to_owned());
    variables.insert("CARGO_BUILD_TARGET".to_owned(), host(root)?);
    variables.insert("CARGO_TARGET_DIR".to_owned(), folder.display().to_string());
    Ok(variables)
}

/// The shared library of the runtime, which GCC brings.
fn runtime(root: &Path) -> Result<String> {
    let compiler = env::var("CC").unwrap_or_else(|_| "gcc".to_owned());
    let file = program(root, &compiler, "-print-file-name=libasan.so").hint("install gcc").output()?;
    let file = file.trim();
    // A compiler that has none says the name alone.
    if Path::new(file).is_absolute() { Ok(file.to_owned()) } else { Err("gcc has no libasan.so".into()) }
}
