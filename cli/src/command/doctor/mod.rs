//! `ssf doctor`: checks a setup end to end.

mod round;
mod section;
mod shown;
mod watch;

use std::time::Duration;

use ssf_transmitter::{CustomEvent, Subject};

use super::{
    Class, Failure, Result, addressee::Addressee, block_on, config::ConfigFile, confirm::Confirmation,
    route::Route, signal::Signal,
};
use section::Section;

/// Check a setup end to end: settings, outbox, documents, keys, clock, and receivers
///
/// Checks every receiver of `ssf.toml`, or the one that is named; without an event, each with an example. Sends nothing to a
/// receiver without `--send`. Fails if a check fails.
#[derive(clap::Args)]
#[command(mut_arg("event", |event| event.required(false)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    to: Addressee,
    #[command(flatten)]
    route: Route,
    #[command(flatten)]
    signal: Signal,
    /// The URL of the transmitter configuration, if it is not the default for the issuer
    #[arg(long, value_name = "URL")]
    configuration: Option<String>,
    #[command(flatten)]
    config: ConfigFile,
    /// Send the SET too: that of --event, to one receiver
    #[arg(long)]
    send: bool,
    /// Repeat the checks until Ctrl-C, with this many seconds in between [default: 30]
    ///
    /// A terminal shows all of them; elsewhere, only outcomes that change are printed.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "30", value_parser = clap::value_parser!(u64).range(1..), conflicts_with_all = ["send", "confirm"])]
    watch: Option<u64>,
    #[command(flatten)]
    confirm: Confirmation,
}

/// The event to check, and its subject.
type Said = (CustomEvent, Option<Subject>);

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result {
    let said = arguments.said()?;
    block_on(async {
        if let Some(seconds) = arguments.watch {
            return watch::run(arguments, said.as_ref(), Duration::from_secs(seconds), json).await;
        }
        let mut show = |section: &Section| shown::print(section, json);
        verdict(&round::run(arguments, said.as_ref(), &mut show).await?)
    })
}

impl Arguments {
    /// What is to be checked, if that is not an example.
    fn said(&self) -> Result<Option<Said>> {
        let content = &self.signal.content;
        let given = content.event_name().is_some();
        if !given && !content.is_bare() {
            return Err(Failure::usage("--event is needed with other options"));
        }
        if (self.send || self.confirm.is_enabled()) && !(given && self.names_receiver()) {
            let message =
                "to send a SET, name its event and one receiver: --event, and --to, --okta or --endpoint";
            return Err(Failure::usage(message));
        }
        if self.watch.is_some() && self.signal.reads_stdin() {
            let message = "--watch reads the key again each time: it cannot come from standard input";
            return Err(Failure::usage(message));
        }
        given.then(|| Ok((content.event()?, content.subject()?))).transpose()
    }

    /// Whether it is about one receiver.
    fn names_receiver(&self) -> bool {
        self.to.to.is_some() || self.to.okta.is_some() || self.route.endpoint().is_some()
    }
}

/// How a round ends: by the worst that was found.
fn verdict(sections: &[Section]) -> Result {
    let failed: Vec<_> = sections.iter().flat_map(Section::failed).collect();
    let class = if failed.iter().any(|check| check.id == round::SETTINGS) {
        Class::Configuration
    } else {
        Class::Findings
    };
    match failed.len() {
        0 => Ok(()),
        1 => Err(Failure::new(class, "1 check failed")),
        some => Err(Failure::new(class, format!("{some} checks failed"))),
    }
}
