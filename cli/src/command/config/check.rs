//! `ssf config check`: all that is wrong with a file of settings.

use std::path::Path;

use serde_json::{Value, json};
use ssf_transmitter::{Error, Receiver, catalogue::Language, config::Config};

use super::{
    super::{Class, Failure, Result, output::print},
    ConfigFile,
};

/// Check the file of settings
///
/// Reports everything that is wrong, each with its line. Reads the keys, secrets and files that it names, too; sends
/// nothing.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,
    /// Check the text alone: read no keys, no secrets and no other files
    #[arg(long)]
    text_only: bool,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result {
    let path = arguments.file.needed()?;
    let mut problems = Config::check_file(&path);
    let mut found = None;
    if problems.is_empty() {
        let config = Config::read(&path)?;
        if !arguments.text_only {
            problems = config.check();
        }
        found = Some(config);
    }
    let receivers = match &found {
        Some(config) if problems.is_empty() && !arguments.text_only => receivers(config)?,
        _ => Vec::new(),
    };
    if json {
        let names = found.iter().flat_map(Config::receiver_names);
        print(
            &json!({
                "file": path.display().to_string(),
                "issuer": found.as_ref().and_then(Config::issuer),
                "receivers": names.collect::<Vec<_>>(),
                "problems": problems.iter().map(problem).collect::<Vec<_>>(),
            })
            .to_string(),
        )?;
    } else {
        show(&path, found.as_ref().filter(|_| problems.is_empty()), &receivers)?;
        for problem in &problems {
            print(&Language::Command.text(&problem.to_string()))?;
            print(&format!("    {}", Language::Command.text(problem.remedy())))?;
        }
    }
    match problems.len() {
        0 => Ok(()),
        1 => Err(Failure::new(Class::Configuration, format!("{} has 1 mistake", path.display()))),
        some => Err(Failure::new(Class::Configuration, format!("{} has {some} mistakes", path.display()))),
    }
}

fn receivers(config: &Config) -> Result<Vec<(String, Receiver)>> {
    config.receiver_names().map(|name| Ok((name.to_owned(), config.receiver(name)?))).collect()
}

/// What a valid file says.
fn show(path: &Path, config: Option<&Config>, receivers: &[(String, Receiver)]) -> Result {
    let Some(config) = config else { return Ok(()) };
    print(&format!("{} is valid", path.display()))?;
    if let Some(issuer) = config.issuer() {
        print(&format!("  issuer: {issuer}"))?;
    }
    for (name, receiver) in receivers {
        print(&format!("  receiver {name}: {}, dialect {}", receiver.host(), receiver.dialect().id()))?;
    }
    Ok(())
}

fn problem(error: &Error) -> Value {
    json!({
        "code": error.code().as_str(),
        "message": Language::Command.text(error.message()),
        "pointer": error.pointer(),
        "remedy": Language::Command.text(error.remedy()),
    })
}
