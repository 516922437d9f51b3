//! Sends the lines, many at once.

use std::{collections::HashMap, time::Duration};

use ssf_transmitter::{
    Receiver, Transmitter,
    client::{Batch, Emit},
};
use tokio::time::{MissedTickBehavior, interval};

use super::{
    super::{Result, event_line::EventLine, shutdown},
    lines::{Line, Lines},
    run::{Ended, Run},
};

/// How often the journal is written.
const SAVE: Duration = Duration::from_secs(1);
/// How often the progress is shown.
const SHOW: Duration = Duration::from_millis(100);

/// Sends what is left of the input.
pub(super) async fn deliver(
    run: &mut Run,
    lines: &mut Lines,
    transmitter: &Transmitter,
    receiver: &Receiver,
    concurrency: u16,
) -> Result<Ended> {
    let mut batch = Batch::new(concurrency.into());
    // Lines on their way, by their index in the batch.
    let mut pending: HashMap<usize, (Line, String)> = HashMap::new();
    let mut ended = None;
    let mut interrupted = Box::pin(shutdown::requested()?);
    let (mut save, mut show) = (interval(SAVE), interval(SHOW));
    save.set_missed_tick_behavior(MissedTickBehavior::Delay);
    show.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        if pending.is_empty()
            && let Some(ended) = ended
        {
            return Ok(ended);
        }
        tokio::select! {
            () = &mut interrupted => {
                if matches!(ended, Some(Ended::Interrupted)) {
                    return Ok(Ended::Interrupted);
                }
                ended = Some(Ended::Interrupted);
                // Listens before it says so: a second interruption must not be missed.
                interrupted = Box::pin(shutdown::requested()?);
                let left = pending.len();
                run.progress.say(&format!("interrupted: {left} SETs are on their way; interrupt again to leave them"));
            }
            Some(emitted) = batch.next(), if !pending.is_empty() => {
                let Some((line, jti)) = pending.remove(&emitted.index) else { continue };
                if let Some(failure) = run.answered(&line, &jti, emitted.result.map(drop))? {
                    ended.get_or_insert(Ended::Stopped(failure));
                }
            }
            line = lines.receiver.recv(), if ended.is_none() && batch.has_room() && run.has_room() => {
                match line {
                    None => ended = Some(Ended::Done),
                    Some(Err(failure)) => ended = Some(Ended::Stopped(failure)),
                    Some(Ok(line)) => {
                        if let Some((event, jti)) = run.take(&line)? {
                            let emit = emit(transmitter, receiver, event, &jti);
                            let index = batch.push(emit.limited_by(batch.limit()));
                            pending.insert(index, (line, jti));
                        }
                    }
                }
            }
            _ = save.tick() => run.save()?,
            _ = show.tick() => run.show(),
        }
    }
}

/// The event of a line, to be sent with this id.
pub(super) fn emit(transmitter: &Transmitter, receiver: &Receiver, event: EventLine, jti: &str) -> Emit {
    let emit = transmitter.emit(event.event, event.subject, receiver).jti(jti);
    let emit = event.txn.into_iter().fold(emit, Emit::txn);
    event.toe.into_iter().fold(emit, Emit::toe)
}
