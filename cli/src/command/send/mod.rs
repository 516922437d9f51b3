//! `ssf send`: sends many events, one per line.

mod accept;
mod deliver;
mod failures;
mod journal;
mod lines;
mod progress;
mod run;

use std::path::{Path, PathBuf};

use serde_json::json;
use ssf_transmitter::{Receiver, Transmitter, config::Config, outbox::Outbox};

use super::{
    Class, Failure, Result, addressee::Addressee, block_on, config::ConfigFile, outbox::place, output,
    route::Route, signal::Sender,
};
use accept::{Way, accept};
use deliver::deliver;
use failures::Failures;
use journal::Journal;
use lines::Lines;
use progress::{Progress, per_second};
use run::{Ended, Run};

/// Options that only this command has, set on each argument: one for the whole struct would go on for those that follow.
const HEADING: &str = "Sending";

/// Send many events to one receiver, or put them into an outbox
///
/// Reads one JSON object per line: `event` as in a SET, by URI or id; and perhaps `subject` or `custom_subject`, `txn`,
/// `toe` and `jti`. `ssf event new` writes such lines. What fails goes to a file of failures, each line with its reason,
/// which `ssf send` takes again.
///
/// A journal beside the file says what has ended. After an interruption, a kill or a power cut, the same command goes on
/// from there. What was on its way then is sent again, with the same `jti`. When the receiver rejects the sender itself,
/// or cannot be reached any longer, it stops, and goes on in the same way.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The events: a file, or `-` for standard input
    file: PathBuf,
    /// How many requests are on the wire at once
    #[arg(long, value_name = "NUMBER", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = HEADING)]
    concurrency: u16,
    /// Send nothing; check every SET
    #[arg(long, help_heading = HEADING)]
    dry_run: bool,
    /// Enqueue the events in the outbox of `ssf.toml`, or in this file; `--to` names the receiver for its worker
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "dry_run", requires = "to", help_heading = HEADING)]
    #[allow(clippy::option_option, reason = "an option whose value may be left out")]
    outbox: Option<Option<PathBuf>>,
    /// Where failures go [default: the name of the file with `.failed`, or `failed.ndjson`]
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    failures: Option<PathBuf>,
    /// Overwrite the file of failures
    #[arg(long, help_heading = HEADING)]
    force: bool,
    /// Where the journal is [default: the name of the file with `.journal`; none for standard input]
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run", help_heading = HEADING)]
    journal: Option<PathBuf>,
    /// Send all lines, whatever the journal says, and with new ids
    #[arg(long, help_heading = HEADING)]
    restart: bool,
    #[command(flatten)]
    to: Addressee,
    #[command(flatten)]
    sender: Sender,
    #[command(flatten)]
    route: Route,
    #[command(flatten)]
    config: ConfigFile,
}

/// Where the events go.
enum Target {
    Receiver(Transmitter, Receiver),
    Outbox(Outbox, String),
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result {
    let config = arguments.config.read()?;
    let input = (arguments.file.as_os_str() != "-").then_some(arguments.file.as_path());
    let work = async {
        // What is wrong with the settings is reported before anything is written.
        let target = arguments.target(config.as_ref()).await?;
        let mut lines = Lines::open(input)?;
        let mut run = arguments.begin(input, lines.length)?;
        let earlier = run.journal.counts();
        if run.journal.resumes() {
            output::say(&format!(
                "going on with an earlier run: {} accepted, {} failed",
                earlier.0, earlier.1
            ));
        }
        let ended = arguments.work(&mut run, &mut lines, &target).await;
        let time = run.progress.finish();
        let ended = ended?;
        run.finish(&ended)?;
        if let Target::Outbox(outbox, _) = &target {
            outbox.close().await?;
        }
        Ok((run, earlier, ended, time))
    };
    let (run, earlier, ended, time) = block_on(work)?;

    let (accepted, failed) = run.journal.counts();
    let failures = (!run.failures.is_empty()).then(|| run.failures.path().display().to_string());
    let rate = per_second(accepted + failed - earlier.0 - earlier.1, time);
    if json {
        let summary = json!({
            "accepted": accepted,
            "failed": failed,
            "complete": matches!(ended, Ended::Done),
            "resumed": run.journal.resumes(),
            "seconds": time.as_secs_f64(),
            "per_second": rate,
            "failures": failures,
        });
        output::print(&summary.to_string())?;
    } else {
        let place = failures.map(|path| format!(", see {path}")).unwrap_or_default();
        let verb = if arguments.dry_run { "would be accepted" } else { "accepted" };
        output::print(&format!(
            "{accepted} {verb}, {failed} failed{place}; {:.1} s, {rate}/s",
            time.as_secs_f64()
        ))?;
    }
    match ended {
        Ended::Done if failed == earlier.1 => Ok(()),
        Ended::Done if failed == 1 => Err(Failure::new(run.class(), "1 event was not accepted")),
        Ended::Done => Err(Failure::new(run.class(), format!("{failed} events were not accepted"))),
        Ended::Interrupted if run.journal.is_kept() => {
            Err(Failure::new(Class::Interrupted, "interrupted: the same command goes on from here"))
        }
        Ended::Interrupted => Err(Failure::new(Class::Interrupted, "interrupted")),
        Ended::Stopped(failure) => Err(failure),
    }
}

impl Arguments {
    /// Opens journal and failures.
    fn begin(&self, input: Option<&Path>, length: Option<u64>) -> Result<Run> {
        let beside = |end: &str| input.map(|path| PathBuf::from(format!("{}.{end}", path.display())));
        let failures = self.failures.clone().or_else(|| beside("failed"));
        let failures = failures.unwrap_or_else(|| PathBuf::from("failed.ndjson"));
        if input.is_some_and(|input| input == failures) {
            return Err(Failure::usage("--failures is the file that is sent: name another one"));
        }
        let journal = self.journal.clone().or_else(|| beside("journal")).filter(|_| !self.dry_run);
        let journal = Journal::open(journal, &self.label()?, &failures, self.restart)?;
        let earlier = journal.failures_bytes(&failures);
        let (accepted, failed) = journal.counts();
        let progress = Progress::new(length, accepted + failed);
        Run::begin(journal, Failures::open(failures, earlier, self.force)?, progress)
    }

    /// Where the events go, in the words of the command line.
    fn label(&self) -> Result<String> {
        let to = [self.to.to.as_deref(), self.to.okta.as_deref(), self.route.endpoint()];
        let to = to.into_iter().flatten().next();
        let to = to.ok_or_else(|| Failure::usage("--to, --okta or --endpoint is needed"))?;
        Ok(match &self.outbox {
            Some(file) => {
                format!("{to} by the outbox {}", file.as_deref().unwrap_or(Path::new("")).display())
            }
            None => to.to_owned(),
        })
    }

    async fn target(&self, config: Option<&Config>) -> Result<Target> {
        let Some(file) = &self.outbox else {
            let receiver = self.route.receiver(&self.to, None, config)?;
            return Ok(Target::Receiver(self.sender.transmitter(&self.route, config)?, receiver));
        };
        let outbox = place::open(file.as_deref(), config).await?;
        let name = self.to.to.clone().unwrap_or_default();
        // The outbox checks events for a receiver that the file of settings knows.
        let is_known = config.is_some_and(|config| config.receiver_names().any(|known| known == name));
        let Some(issuer) = self.sender.issuer(config).ok().filter(|_| is_known) else {
            return Ok(Target::Outbox(outbox, name));
        };
        let (template, known) = (self.to.set(issuer, config)?, name.clone());
        let outbox = outbox.lint_with(move |receiver| (receiver == known).then(|| template.clone()));
        Ok(Target::Outbox(outbox, name))
    }

    async fn work(&self, run: &mut Run, lines: &mut Lines, target: &Target) -> Result<Ended> {
        match target {
            Target::Outbox(outbox, name) => accept(run, lines, Way::Outbox(outbox, name)).await,
            Target::Receiver(transmitter, receiver) if self.dry_run => {
                accept(run, lines, Way::DryRun(transmitter, receiver)).await
            }
            Target::Receiver(transmitter, receiver) => {
                deliver(run, lines, transmitter, receiver, self.concurrency).await
            }
        }
    }
}
