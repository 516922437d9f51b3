//! `ssf reference`: writes `docs/cli.md`.

use std::fmt::Write as _;

use super::{Result, failure::Class, help, output};

const INTRODUCTION: &str = include_str!("reference.md");

pub(crate) fn run() -> Result {
    let mut codes =
        String::from("| exit code | class | meaning |\n| --- | --- | --- |\n| 0 | | It worked |\n");
    for class in Class::ALL {
        let _ = writeln!(codes, "| {} | `{}` | {} |", class.exit_code(), class.name(), class.description());
    }
    let options = clap_markdown::MarkdownOptions::new().show_footer(false).show_table_of_contents(true);
    let commands = clap_markdown::help_markdown_command_custom(&help::command(), &options);
    let commands = commands.replacen("# Command-Line Help for `ssf`", "## Commands", 1);
    output::print(&format!(
        "{}\n{}",
        INTRODUCTION.replace("{exit_codes}", codes.trim_end()),
        commands.trim_end()
    ))
}
