//! What tests install for themselves, below `target/`.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
};

use crate::Result;

/// Fills a folder from `list`, unless `stamp` says that it was filled from the very same list and `proof` is still there.
pub(crate) fn install(list: &Path, stamp: &Path, proof: &Path, fill: impl FnOnce() -> Result) -> Result {
    let wanted = read(list)?;
    if proof.exists() && fs::read(stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    fill()?;
    write(stamp, &wanted)
}

/// Runs a program; its output goes where ours goes. `advice` says how to get it.
pub(crate) fn call(command: &mut Command, name: &str, advice: &str) -> Result {
    let status = command.status().map_err(|error| format!("{name} does not start ({error}): {advice}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name}: {status}").into()) }
}

/// Runs programs, so many at the same time, and prints what each has printed after it ended.
pub(crate) fn call_together(commands: Vec<(String, Command)>, at_once: usize, advice: &str) -> Result {
    let run = |(name, mut command): (String, Command)| {
        let output =
            command.output().map_err(|error| format!("{name} does not start ({error}): {advice}"))?;
        let said = [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat();
        println!("-- {name}\n{}", said.trim_end());
        if output.status.success() { Ok(()) } else { Err(format!("{name}: {}", output.status)) }
    };
    let queue = Mutex::new(commands.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || std::iter::from_fn(next).filter_map(|command| run(command).err()).collect::<Vec<_>>();
    let failed: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        let panicked = |_| vec!["a thread panicked".to_owned()];
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(panicked)).collect()
    });
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ").into()) }
}

/// Removes a folder, where there is one.
pub(crate) fn clear(folder: &Path) -> Result {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(())
}

/// The content of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    Ok(fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// Writes a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result {
    Ok(fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))?)
}
