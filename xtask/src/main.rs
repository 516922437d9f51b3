//! Project automation: `cargo xtask <task>`.

mod bench;
mod bill;
mod cli;
mod codegen;
mod contenders;
mod demo;
mod deny;
mod elf;
mod fences;
mod fuzz;
mod glibc;
mod imports;
mod install;
mod interop;
mod linkage;
mod musl;
mod node;
mod openssl;
mod package;
mod page;
mod postgres;
mod prose;
mod python;
mod release;
mod run;
mod runtimes;
mod rust;
mod sanitizer;
mod shipped;
mod stress;
mod surface;
mod swift;
mod target;
mod test;
mod tools;
mod trial;
mod zig;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand, ValueEnum};
use target::Target;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project automation")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the demo: keys, a JWKS, and SETs to two emulated receivers.
    Demo,
    /// Run the quick checks: generated code, format, fences, lints.
    Check,
    /// Run the full test suite, from a clean checkout.
    Test {
        /// Run only these steps: `rust`, `python`, `node`, `swift`, and others; an unknown name lists them.
        steps: Vec<String>,
        /// Run what takes too long for every change, too: the releases for each platform with Linux.
        #[arg(long, conflicts_with = "steps")]
        full: bool,
        /// Continue after a failed step.
        #[arg(long)]
        keep_going: bool,
    },
    /// Build the Node package and test it.
    Node,
    /// Take the picture of the page of `ssf receiver` that the README shows.
    Screenshot,
    /// Build the Python package and test it.
    Python,
    /// Build the Swift package and test it.
    Swift {
        /// Only write the bindings that uniffi generates from the library.
        #[arg(long)]
        generate: bool,
    },
    /// Run benchmarks, and print ratios from a single run.
    Bench {
        /// What to measure.
        #[arg(value_enum, default_value_t)]
        of: Part,
    },
    /// Run a stress test, and fail if something hangs, grows, or touches memory that it must not.
    Stress {
        /// What to try.
        #[arg(value_enum)]
        of: Stress,
        /// How often: 50,000 forks, 1,000,000 emits, or 1,000 rounds of the outbox, by default.
        #[arg(long)]
        rounds: Option<u32>,
    },
    /// Fuzz the parsers that read foreign bytes, and print executions and coverage.
    Fuzz {
        /// Fuzz only these targets; an unknown name lists them.
        targets: Vec<String>,
        /// Fuzz each for one minute, and not for ten.
        #[arg(long)]
        short: bool,
    },
    /// Build release packages into `target/dist/`, in a folder for each platform.
    Dist {
        /// What to build.
        #[arg(value_enum)]
        of: Package,
        /// The platform, by its name in Rust: this machine's, by default.
        #[arg(long, value_name = "TRIPLE", value_parser = Target::named)]
        target: Option<&'static Target>,
    },
    /// Check whether this checkout can be released.
    Release(release::Options),
    /// Write the reports of the public API, in `api/`.
    Surface {
        /// Only these: by default, those of all languages, and Swift's needs the package built.
        #[arg(value_enum)]
        languages: Vec<surface::Language>,
    },
    /// Write the code and the tables that are generated from the catalogue.
    Codegen {
        /// Write nothing; fail if a generated file differs from the catalogue.
        #[arg(long)]
        check: bool,
    },
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum Part {
    #[default]
    Rust,
    Outbox,
    /// The outbox in PostgreSQL, beside other queues.
    Postgres,
    /// The streams of receivers: polls, management, fan-out, polls that wait.
    Streams,
    Node,
    Python,
}

#[derive(Clone, Copy, ValueEnum)]
enum Stress {
    /// The native modules of Python and Node under the address sanitizer, with their tests.
    Addresses,
    /// Python: forks while threads send.
    Fork,
    /// Resident memory over many emits.
    Memory,
    /// The outbox: kills processes, cuts the power, fills the disk.
    Outbox,
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
    if let Some(code) = surface::as_rustdoc() {
        return code;
    }
    let outcome = match Arguments::parse().task {
        Task::Demo => demo::run(&root()),
        Task::Check => test::run(&root(), test::QUICK, false, false),
        Task::Test { steps, full, keep_going } => test::run(&root(), &steps, full, keep_going),
        Task::Node => node::test(&root()),
        Task::Python => python::test(&root()),
        Task::Bench { of: Part::Rust } => bench::run(&root()),
        Task::Bench { of: Part::Outbox } => bench::outbox(&root()),
        Task::Bench { of: Part::Streams } => bench::streams(&root()),
        Task::Bench { of: Part::Postgres } => contenders::bench(&root()),
        Task::Bench { of: Part::Node } => node::bench(&root()),
        Task::Bench { of: Part::Python } => python::bench(&root()),
        Task::Stress { of: Stress::Fork, rounds } => python::stress(&root(), rounds.unwrap_or(50_000)),
        Task::Stress { of: Stress::Addresses, .. } => sanitizer::run(&root()),
        Task::Stress { of: Stress::Memory, rounds } => stress::memory(&root(), rounds.unwrap_or(1_000_000)),
        Task::Stress { of: Stress::Outbox, rounds } => stress::outbox(&root(), rounds.unwrap_or(1000)),
        Task::Fuzz { targets, short } => fuzz::run(&root(), &targets, short),
        Task::Dist { of, target } => {
            target.map_or_else(Target::here, Ok).and_then(|target| dist(&root(), of, target))
        }
        Task::Release(options) => release::run(&root(), &options),
        Task::Swift { generate: false } => swift::test(&root()),
        Task::Swift { generate: true } => swift::generate(&root()),
        Task::Screenshot => page::screenshot(&root()),
        Task::Surface { languages } => surface::run(&root(), &languages),
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

fn dist(root: &Path, of: Package, target: &'static Target) -> Result {
    if let Some(warning) = codegen::Address::read(root)?.warning() {
        println!("{warning}");
    }
    match of {
        Package::Cli => cli::dist(root, target),
        Package::Node => node::dist(root, target),
        Package::Python => python::dist(root, target),
        Package::Swift => swift::dist(root, target),
    }
}

/// The top of the checkout.
fn root() -> PathBuf {
    let mut path = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    path.pop();
    path
}
