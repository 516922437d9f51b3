//! Project automation: `cargo xtask <task>`.

mod bench;
mod cli;
mod codegen;
mod demo;
mod deny;
mod elf;
mod fences;
mod glibc;
mod imports;
mod install;
mod interop;
mod node;
mod openssl;
mod prose;
mod python;
mod run;
mod swift;
mod test;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project automation")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Show the main job: keys, JWKS, events to two receivers that check them.
    Demo,
    /// Check what is quick to check: generated code, format, fences, lints.
    Check,
    /// Run the full test suite, from a clean checkout.
    Test {
        /// Run these steps alone: `rust`, `python`, `node`, `swift`, and others; a wrong name lists them.
        steps: Vec<String>,
        /// Go on after a step that fails.
        #[arg(long)]
        keep_going: bool,
    },
    /// Build the Node package and test it.
    Node,
    /// Build the OpenSSL that is shipped, and test with it what of the core uses it.
    Openssl,
    /// Build the Python package and test it.
    Python,
    /// Build the Swift package and test it.
    Swift {
        /// Test nothing; write what uniffi generates from the library.
        #[arg(long)]
        generate: bool,
    },
    /// Measure, and print the ratios that count: one run, no absolute figures.
    Bench {
        /// What to measure.
        #[arg(value_enum, default_value_t)]
        of: Part,
    },
    /// Try for long what the tests try for a minute, and fail where something hangs.
    Stress {
        /// What to try.
        #[arg(value_enum)]
        of: Stress,
        /// How often.
        #[arg(long, default_value_t = 50_000)]
        rounds: u32,
    },
    /// Build what is released, into `target/dist/`.
    Dist {
        /// What to build.
        #[arg(value_enum)]
        of: Package,
    },
    /// Write the code and the tables that are generated from the catalogue.
    Codegen {
        /// Write nothing; fail where a generated file differs from the catalogue.
        #[arg(long)]
        check: bool,
    },
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Part {
    #[default]
    Rust,
    Node,
    Python,
}

#[derive(Clone, Copy, ValueEnum)]
enum Stress {
    /// Python: forks while threads send.
    Fork,
}

#[derive(Clone, Copy, ValueEnum)]
enum Package {
    /// The command `ssf`, as a wheel and as npm packages.
    Cli,
    Node,
    Python,
    Swift,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Demo => demo::run(&root()),
        Task::Check => test::run(&root(), test::QUICK, false),
        Task::Test { steps, keep_going } => test::run(&root(), &steps, keep_going),
        Task::Node => node::test(&root()),
        Task::Openssl => openssl::test(&root()),
        Task::Python => python::test(&root()),
        Task::Bench { of: Part::Rust } => bench::run(&root()),
        Task::Bench { of: Part::Node } => node::bench(&root()),
        Task::Bench { of: Part::Python } => python::bench(&root()),
        Task::Stress { of: Stress::Fork, rounds } => python::stress(&root(), rounds),
        Task::Dist { of: Package::Cli } => cli::dist(&root()),
        Task::Dist { of: Package::Node } => node::dist(&root()),
        Task::Dist { of: Package::Python } => python::dist(&root()),
        Task::Swift { generate: false } => swift::test(&root()),
        Task::Swift { generate: true } => swift::generate(&root()),
        Task::Dist { of: Package::Swift } => swift::dist(&root()),
        Task::Codegen { check } => codegen::run(&root(), check),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The top of the checkout.
fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path
}
