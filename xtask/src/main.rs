//! Project automation: `cargo xtask <task>`.

mod bench;
mod codegen;
mod demo;
mod deny;
mod fences;
mod install;
mod interop;
mod run;
mod test;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

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
    /// Run everything that has to hold, from nothing.
    Test,
    /// Measure, and print the ratios that count: one run, no absolute figures.
    Bench,
    /// Write the code and the tables that are generated from the catalogue.
    Codegen {
        /// Write nothing; fail where a generated file differs from the catalogue.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Demo => demo::run(&root()),
        Task::Test => test::run(&root()),
        Task::Bench => bench::run(&root()),
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
