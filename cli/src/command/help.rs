//! The command line as a whole: its groups, its examples, its colours.

use std::{env, fmt::Write as _};

use clap::{ColorChoice, Command, CommandFactory as _};

use super::Ssf;

/// The commands by what they are for. Those that are not here are not shown: short names, and what other programs start.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Begin", &["init", "guide", "config"]),
    ("Keys and documents", &["key", "jwks", "configuration", "publish", "handover"]),
    ("Events and SETs", &["event", "emit", "send", "set", "outbox"]),
    ("Problems", &["doctor", "explain"]),
    ("Receivers and transmitters", &["receiver", "okta", "transmitter"]),
    ("This command", &["completions", "man"]),
];

/// Commands with examples. A test runs each of them as far as its arguments are read.
const EXAMPLES: [(&[&str], &[&str]); 9] = [
    (&["init"], &["ssf init --issuer https://edr.example.com --okta https://acme.okta.com"]),
    (&["key", "rotate"], &["ssf key rotate --jwks jwks.json", "ssf key rotate --complete --jwks jwks.json"]),
    (&["event", "list"], &["ssf event list --family caep", "ssf event list --receiver okta --json"]),
    (
        &["event", "new"],
        &[
            "ssf event new >> events.ndjson",
            "ssf event new --event caep.session-revoked --email ada@example.com",
        ],
    ),
    (
        &["emit"],
        &[
            "ssf emit --to okta --event caep.session-revoked --email ada@example.com --now",
            "ssf emit --to okta --event caep.session-revoked --email ada@example.com --dry-run",
        ],
    ),
    (
        &["send"],
        &[
            "ssf send events.ndjson --to okta",
            "ssf send events.ndjson --to okta --dry-run",
            "ssf send events.ndjson.failed --to okta",
        ],
    ),
    (&["set", "diff"], &["ssf set diff --event caep.session-revoked --like okta --like govuk-one-login"]),
    (
        &["set", "lint"],
        &[
            "ssf set lint @set.jwt --dialect okta",
            "ssf set sign --to okta --event caep.session-revoked | ssf set lint -",
        ],
    ),
    (
        &["doctor"],
        &[
            "ssf doctor",
            "ssf doctor --watch --to okta",
            "ssf doctor --to okta --event caep.session-revoked --email ada@example.com --now --send",
        ],
    ),
];

/// Longer lines are hard to read, however wide a terminal is.
const WIDTH: usize = 100;

/// The command line, with its groups and examples.
pub(crate) fn command() -> Command {
    let command = EXAMPLES
        .iter()
        .fold(Ssf::command(), |command, (path, examples)| with_examples(command, path, examples));
    let command = command.color(color()).max_term_width(WIDTH);
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n{}\nOptions:\n{{options}}{{after-help}}",
        groups(&command)
    );
    command
        .help_template(template)
        .after_help("Run `ssf help COMMAND` for its options and examples, and `ssf guide okta` for a walk from a key to the first SET.")
}

fn with_examples(command: Command, path: &[&str], examples: &[&str]) -> Command {
    let Some((name, rest)) = path.split_first() else {
        let examples =
            examples.iter().fold("Examples:".to_owned(), |text, example| format!("{text}\n  {example}"));
        return command.after_help(examples);
    };
    // `mut_subcommand` would move it to the end.
    command.mut_subcommands(|command| {
        if command.get_name() == *name { with_examples(command, rest, examples) } else { command }
    })
}

/// The list of commands in its groups.
fn groups(command: &Command) -> String {
    let names = GROUPS.iter().flat_map(|(_, names)| names.iter());
    let width = names.map(|name| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (title, names) in GROUPS {
        let _ = write!(text, "\n{title}:\n");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let _ = writeln!(text, "  {name:width$}  {}", about.map(ToString::to_string).unwrap_or_default());
        }
    }
    text
}

/// Whether to use colours: what `--color` says, which is needed before the command line is read.
fn color() -> ColorChoice {
    let mut arguments = env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--color") {
            Some("") => arguments.next(),
            Some(value) => value.strip_prefix('=').map(str::to_owned),
            None => continue,
        };
        if let Some(choice) = value.and_then(|value| value.parse().ok()) {
            return choice;
        }
    }
    ColorChoice::Auto
}
