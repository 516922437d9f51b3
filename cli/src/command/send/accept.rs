//! What is done with lines instead of sending them: they are checked, or an outbox accepts them.

use ssf_transmitter::{
    Error, ErrorCode, Receiver, Transmitter,
    outbox::{Checked, Outbox},
};

use super::{
    super::{Failure, Result, shutdown},
    deliver::emit,
    lines::{Line, Lines},
    run::{Ended, Run},
};

/// How many lines an outbox accepts in one transaction.
const CHUNK: usize = 500;

/// Where the lines go.
pub(super) enum Way<'a> {
    /// Nowhere.
    DryRun(&'a Transmitter, &'a Receiver),
    /// Into an outbox, to the receiver of this name.
    Outbox(&'a Outbox, &'a str),
}

/// Takes what is left of the input.
pub(super) async fn accept(run: &mut Run, lines: &mut Lines, way: Way<'_>) -> Result<Ended> {
    let mut interrupted = Box::pin(shutdown::requested()?);
    let mut chunk = Vec::new();
    loop {
        let length = tokio::select! {
            biased;
            () = &mut interrupted => return Ok(Ended::Interrupted),
            length = lines.receiver.recv_many(&mut chunk, CHUNK) => length,
        };
        if length == 0 {
            return Ok(Ended::Done);
        }
        let mut broken = None;
        let mut checked = Vec::new();
        for line in chunk.drain(..) {
            let line = match line {
                Ok(line) => line,
                Err(failure) => {
                    broken = Some(failure);
                    break;
                }
            };
            let Some((event, jti)) = run.take(&line)? else { continue };
            match &way {
                Way::DryRun(transmitter, receiver) => {
                    let prepared = emit(transmitter, receiver, event, &jti).prepare().map(drop);
                    run.end(&line, &jti, prepared)?;
                }
                Way::Outbox(outbox, receiver) => match outbox.check(&event.into_entry(receiver, &jti)) {
                    Ok(entry) => checked.push((line, jti, entry)),
                    Err(error) => run.end(&line, &jti, Err(error))?,
                },
            }
        }
        if let Way::Outbox(outbox, _) = &way
            && let Some(failure) = enqueue(run, outbox, checked).await?
        {
            return Ok(Ended::Stopped(failure));
        }
        run.save()?;
        if let Some(failure) = broken {
            return Ok(Ended::Stopped(failure));
        }
    }
}

/// Enqueues lines: all at once, or each by itself if one is in conflict with what the outbox has.
async fn enqueue(
    run: &mut Run,
    outbox: &Outbox,
    checked: Vec<(Line, String, Checked)>,
) -> Result<Option<Failure>> {
    let entries = checked.iter().map(|(_, _, entry)| entry.clone());
    let together = outbox.enqueue_checked(entries).await.map(drop);
    let is_conflict = |result: &Result<(), Error>| {
        result.as_ref().is_err_and(|error| error.code() == ErrorCode::OutboxConflict)
    };
    if let Err(error) = &together
        && !is_conflict(&together)
    {
        return Ok(Some(error.clone().into()));
    }
    for (line, jti, entry) in checked {
        let result = match &together {
            Ok(()) => Ok(()),
            Err(_) => outbox.enqueue_checked([entry]).await.map(drop),
        };
        match result {
            Err(error) if error.code() != ErrorCode::OutboxConflict => return Ok(Some(error.into())),
            // The fault is this line's: others are accepted.
            result => run.end(&line, &jti, result)?,
        }
    }
    Ok(None)
}
