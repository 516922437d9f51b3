//! `cargo xtask test`: everything that has to hold, from nothing. This is what CI runs.

use std::path::Path;

use crate::{
    Result, codegen, demo, deny, fences, interop, node, openssl, python,
    run::{cargo, program},
    swift,
};

type Step = fn(&Path) -> Result;

/// What is run, in this order: the quick and telling things first.
const STEPS: &[(&str, Step)] = &[
    ("generated code", |root| codegen::run(root, true)),
    ("format", |root| cargo(root, "fmt --all --check").hint("run `rustup component add rustfmt`").run()),
    ("lints", |root| {
        cargo(root, "clippy --workspace --all-targets --locked -- -D warnings")
            .hint("run `rustup component add clippy`")
            .run()?;
        // Alone it has no features but those that it asks for.
        cargo(root, "clippy -p ssf-transmitter --locked -- -D warnings").run()?;
        cargo(root, "clippy -p ssf-transmitter --no-default-features --locked -- -D warnings").run()
    }),
    ("fences", fences::run),
    ("tests", |root| cargo(root, "test --workspace --locked").run()),
    ("shipped OpenSSL", openssl::test),
    ("documentation", |root| {
        cargo(root, "doc --workspace --no-deps --locked").env("RUSTDOCFLAGS", "-D warnings").run()
    }),
    ("examples", |root| {
        ["quickstart", "own_dialect", "external_signer"].iter().try_for_each(|name| {
            cargo(root, &format!("run -q --locked -p ssf-examples --example {name}")).run()
        })
    }),
    ("interoperability", interop::run),
    ("python", python::test),
    ("node", node::test),
    ("swift", swift::test),
    ("dependencies", deny::run),
    ("demo", demo::run),
    ("links", |root| {
        // A binary has to run on a machine without OpenSSL.
        let libraries = program(root, "ldd", "target/debug/ssf").hint("this check needs Linux").output()?;
        match libraries.lines().find(|line| line.contains("libssl") || line.contains("libcrypto")) {
            Some(line) => Err(format!("the command ssf needs a shared OpenSSL: {}", line.trim()).into()),
            None => Ok(()),
        }
    }),
];

pub(crate) fn run(root: &Path) -> Result {
    for (number, (name, step)) in (1..).zip(STEPS) {
        println!("\n== {number}/{} {name}", STEPS.len());
        step(root).map_err(|error| format!("{name}: {error}"))?;
    }
    println!("\nAll {} steps passed.", STEPS.len());
    Ok(())
}
