//! `ssf event new`: an event as a line for `ssf send`, from options or from answers.

use ssf_transmitter::{
    Dialect, Event,
    lint::{Linter, Severity},
};

use super::super::{
    Class, Failure, Result, addressee, ask,
    content::Content,
    event_line::EventLine,
    output::{print, say},
};
use super::questions;

/// Write an event as a line for `ssf send`
///
/// On a terminal, without `--event`, it asks for everything, and checks each answer as it is typed. Otherwise, options
/// say it: those of `ssf emit`. Prints one line of JSON; what lint finds goes to standard error, and an error there fails.
#[derive(clap::Args)]
#[command(mut_arg("event", |event| event.required(false)))]
pub(super) struct Arguments {
    /// The receiver that it is checked for: a dialect's id, or a TOML file
    #[arg(long, value_name = "ID|FILE", default_value = "ssf-1.0")]
    receiver: String,
    #[command(flatten)]
    content: Content,
}

pub(super) fn run(arguments: &Arguments) -> Result {
    let dialect = addressee::dialect(&arguments.receiver)?;
    let content = &arguments.content;
    let line = match content.event_name() {
        Some(_) => EventLine {
            event: content.event()?.into(),
            subject: content.subject()?,
            txn: content.txn.clone(),
            toe: content.toe,
            jti: None,
        },
        None if !content.is_bare() => return Err(Failure::usage("--event is needed with other options")),
        None if ask::is_possible() => questions::ask(&dialect)?,
        None => return Err(Failure::usage("--event is needed: only a terminal can be asked")),
    };
    check(&line, &dialect)?;
    print(&line.to_json().to_string())
}

/// Says what lint finds, and fails if there is an error.
fn check(line: &EventLine, dialect: &Dialect) -> Result {
    let event: &Event = &line.event;
    let findings = Linter::new(dialect).event(event, line.subject.as_ref());
    for finding in &findings {
        say(&format!("{finding}\n    {}", finding.remedy()));
    }
    match findings.iter().filter(|finding| finding.severity() == Severity::Error).count() {
        0 => Ok(()),
        1 => Err(Failure::new(Class::Validation, "the event has 1 error")),
        errors => Err(Failure::new(Class::Validation, format!("the event has {errors} errors"))),
    }
}
