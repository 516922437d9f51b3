//! One run: what has ended of the input, whatever is done with its lines.

use ssf_transmitter::{Error, ErrorCode, outbox::Fault};

use super::{
    super::{Class, Failure, Result, event_line::EventLine},
    failures::Failures,
    journal::Journal,
    lines::Line,
    progress::Progress,
};

/// Why a run is over.
pub(super) enum Ended {
    /// All lines have ended.
    Done,
    Interrupted,
    /// Every further line would fail, too.
    Stopped(Failure),
}

pub(super) struct Run {
    pub(super) journal: Journal,
    pub(super) failures: Failures,
    pub(super) progress: Progress,
    /// The last line that was read, and where it ends.
    read: (u64, u64),
    /// The class of all failures, if it is one.
    class: Option<Class>,
}

impl Run {
    /// A journal is written before the first SET is sent: without it, its `jti` could not be found again.
    pub(super) fn begin(journal: Journal, failures: Failures, progress: Progress) -> Result<Self> {
        let mut run = Self { journal, failures, progress, read: (0, 0), class: None };
        run.save()?;
        Ok(run)
    }

    /// The event of a line and the id of its SET, if there is anything to do.
    pub(super) fn take(&mut self, line: &Line) -> Result<Option<(EventLine, String)>> {
        self.read = (line.number, line.end);
        if self.journal.has_done(line)? {
            self.progress.skipped(line.end);
            return Ok(None);
        }
        if line.text.is_empty() {
            self.journal.end(line.number, line.digest, None);
            return Ok(None);
        }
        let jti = self.journal.jti(line);
        match EventLine::parse(&line.text) {
            Ok(event) => {
                let jti = event.jti.clone().unwrap_or(jti);
                Ok(Some((event, jti)))
            }
            Err(error) => self.end(line, &jti, Err(error)).map(|()| None),
        }
    }

    /// Whether the next line may be begun.
    pub(super) fn has_room(&self) -> bool {
        self.journal.has_room(self.read.0 + 1)
    }

    /// Notes how a line was answered. Returns why the run must end, if every further line would fail, too.
    pub(super) fn answered(
        &mut self,
        line: &Line,
        jti: &str,
        result: Result<(), Error>,
    ) -> Result<Option<Failure>> {
        let failure =
            result.as_ref().err().filter(|error| concerns_all(error)).map(|error| {
                Failure::from(error.clone()).in_place(format!("stopped at line {}", line.number))
            });
        // The next run sends such a line again. Without a journal there is none.
        if failure.is_none() || !self.journal.is_kept() {
            self.end(line, jti, result)?;
        }
        Ok(failure)
    }

    /// Notes how a line ended.
    pub(super) fn end(&mut self, line: &Line, jti: &str, result: Result<(), Error>) -> Result {
        self.journal.end(line.number, line.digest, Some(result.is_ok()));
        let Err(error) = result else { return Ok(()) };
        let class = Class::from(error.kind());
        let is_same = self.class.is_none_or(|other| other == class);
        self.class = Some(if is_same { class } else { Class::Other });
        self.failures.add(line, jti, &error)
    }

    /// Writes what has ended, and shows it.
    pub(super) fn save(&mut self) -> Result {
        let bytes = self.failures.flush()?;
        self.journal.save(self.failures.path(), bytes)?;
        self.show();
        Ok(())
    }

    pub(super) fn show(&self) {
        let (accepted, failed) = self.journal.counts();
        self.progress.show(self.read.1, accepted, failed);
    }

    /// Ends it: the journal is needed only if something remains.
    pub(super) fn finish(&mut self, ended: &Ended) -> Result {
        if !matches!(ended, Ended::Done) {
            return self.save();
        }
        self.failures.flush()?;
        self.journal.check_end(self.read.0)?;
        self.journal.remove()
    }

    /// The class of what failed in this run.
    pub(super) fn class(&self) -> Class {
        self.class.unwrap_or(Class::Other)
    }
}

/// Whether an error is about the receiver or the sender, and not about one event.
fn concerns_all(error: &Error) -> bool {
    let fault = Fault::of(error.code(), error.receiver_error());
    fault == Fault::Receiver || error.code() == ErrorCode::CircuitOpen
}
