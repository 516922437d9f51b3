//! `cargo xtask bench postgres`: the outbox in PostgreSQL beside queues that users take instead.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    install::{call, install, read, write},
    node, postgres, python,
    run::cargo,
};

/// Installs the others below `target/bench-postgres/`, and runs the benchmark.
pub(crate) fn bench(root: &Path) -> Result {
    postgres::install(root)?;
    let (sources, work) = (root.join("tests/benches/postgres"), root.join("target/bench-postgres"));
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let python = python::contenders(&work.join("python"), &sources.join("python/requirements.txt"))?;
    let (node, scripts) =
        node::contenders(&root.join("target/node"), &sources.join("node"), &work.join("node"))?;
    let river = river(&sources.join("river"), &work.join("river"))?;
    let command = |program: &Path, script: PathBuf| format!("{} {}", program.display(), script.display());
    cargo(root, "bench -q --locked -p ssf-tests --bench postgres")
        .env("SSF_BENCH_PGQUEUER", &command(&python, sources.join("python/bench_pgqueuer.py")))
        .env("SSF_BENCH_PROCRASTINATE", &command(&python, sources.join("python/bench_procrastinate.py")))
        .env("SSF_BENCH_PG_BOSS", &command(&node, scripts.join("pg-boss.mjs")))
        .env("SSF_BENCH_GRAPHILE_WORKER", &command(&node, scripts.join("graphile-worker.mjs")))
        .env("SSF_BENCH_RIVER", &river.display().to_string())
        .run()
}

/// Builds the program with River.
fn river(sources: &Path, program: &Path) -> Result<PathBuf> {
    let mut go = Command::new("go");
    go.current_dir(sources).args(["build", "-o"]).arg(program).arg(".");
    call(&mut go, "go", "install Go (https://go.dev/dl/)")?;
    Ok(program.to_owned())
}

/// Copies the files of a folder, and fills `node_modules` beside them from the lock file.
pub(crate) fn scripts(sources: &Path, folder: &Path, npm: impl FnOnce(&Path) -> Result) -> Result {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for file in fs::read_dir(sources)?.flatten() {
        write(&folder.join(file.file_name()), &read(&file.path())?)?;
    }
    let packages = folder.join("node_modules");
    let proof = packages.join("pg-boss/package.json");
    install(&sources.join("package-lock.json"), &folder.join(".installed-from"), &proof, || npm(folder))
}
