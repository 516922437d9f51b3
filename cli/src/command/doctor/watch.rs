//! `--watch`: the same checks again and again.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use console::{Term, style};
use ssf_transmitter::{
    Timestamp,
    client::{Check, Outcome},
};

use super::{
    super::{Result, output, shutdown},
    Arguments, Said, Section, round, shown, verdict,
};

/// Repeats the checks until Ctrl-C. The result is that of the last round that was complete.
pub(super) async fn run(arguments: &Arguments, said: Option<&Said>, pause: Duration, json: bool) -> Result {
    let again = async || round::run(arguments, said, &mut |_| Ok(())).await;
    let mut view = View { terminal: Term::stdout(), json, pause, known: BTreeMap::new() };
    let mut sections = again().await?;
    let mut ended = pin!(shutdown::requested()?);
    loop {
        view.show(&sections)?;
        let next = async {
            tokio::time::sleep(pause).await;
            again().await
        };
        tokio::select! {
            () = &mut ended => return verdict(&sections),
            next = next => sections = next?,
        }
    }
}

/// Which check: its receiver, its id, and how many with the same id are before it.
type Key = (Option<String>, &'static str, usize);

struct View {
    terminal: Term,
    json: bool,
    pause: Duration,
    /// The outcomes of the round before.
    known: BTreeMap<Key, Outcome>,
}

impl View {
    /// Shows all checks on a terminal, and elsewhere those whose outcome is another one than before.
    fn show(&mut self, sections: &[Section]) -> Result {
        let time = Timestamp::now().to_rfc3339();
        if self.terminal.is_term() && !self.json {
            self.terminal.clear_screen()?;
            let line = format!("{time}, every {} s until Ctrl-C", self.pause.as_secs());
            output::print(&style(line).dim().to_string())?;
            return sections.iter().try_for_each(|section| shown::print(section, false));
        }
        let mut found = BTreeMap::new();
        for Section { receiver, checks } in sections {
            for check in checks {
                let before =
                    found.keys().filter(|(of, id, _): &&Key| of == receiver && *id == check.id).count();
                let key = (receiver.clone(), check.id, before);
                if self.known.get(&key) != Some(&check.outcome) {
                    self.print(&time, receiver.as_deref(), check)?;
                }
                found.insert(key, check.outcome);
            }
        }
        self.known = found;
        Ok(())
    }

    fn print(&self, time: &str, receiver: Option<&str>, check: &Check) -> Result {
        if !self.json {
            return output::print(&format!("{time} {}", shown::text(receiver, check)));
        }
        let mut value = shown::value(receiver, check);
        value["time"] = time.into();
        output::print(&value.to_string())
    }
}
