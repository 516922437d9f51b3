//! `ssf completions` and `ssf man`: what shells and `man` know of this command.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap_complete::Shell;
use clap_mangen::Man;
use serde_json::json;

use super::{Failure, Result, help, output};

/// Print completions for a shell
///
/// Where a shell looks for them is in its manual; for bash: `ssf completions bash > ~/.local/share/bash-completion/completions/ssf`.
#[derive(clap::Args)]
pub(crate) struct Completions {
    shell: Shell,
}

/// Print the manual page, or write those of all commands
#[derive(clap::Args)]
pub(crate) struct Manual {
    /// Write a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn completions(arguments: &Completions, as_json: bool) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut help::command(), "ssf", &mut script);
    let script = String::from_utf8_lossy(&script);
    if as_json {
        let shell = arguments.shell.to_string();
        return output::print(&json!({ "shell": shell, "script": script.trim_end() }).to_string());
    }
    output::print(script.trim_end())
}

pub(crate) fn manual(arguments: &Manual, as_json: bool) -> Result {
    let mut command = help::command();
    command.build();
    let Some(folder) = &arguments.dir else {
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        let page = String::from_utf8_lossy(&page);
        let page = page.trim_end();
        return output::print(&if as_json { json!({ "page": page }).to_string() } else { page.to_owned() });
    };
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    let mut files = Vec::new();
    pages(&command, folder, &mut files)?;
    if as_json { output::print(&json!({ "files": files }).to_string()) } else { Ok(()) }
}

/// Writes the page of a command, and those of the commands below it. Notes the files.
fn pages(command: &clap::Command, folder: &Path, files: &mut Vec<String>) -> Result {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let path = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    fs::write(&path, page).map_err(|error| Failure::file(&path, &error))?;
    files.push(path.display().to_string());
    let visible =
        command.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help");
    visible.into_iter().try_for_each(|command| pages(command, folder, files))
}
