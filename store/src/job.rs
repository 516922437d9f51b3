//! An operation on its way to a thread, and its result on the way back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_channel::oneshot::{Receiver, Sender, channel};
use ssf_transmitter::{Error, ErrorCode, Result};

use crate::{
    failed::{Done, Failed},
    ledger::{Ledger, Woken},
};

/// An operation. It may run more than once: a transaction can fail as a whole because of another operation in it.
pub(crate) trait Job: Send {
    /// Runs the operation, and keeps what it returns.
    fn run(&mut self, ledger: &mut Ledger<'_>) -> Done<()>;

    /// Makes the operation fail, whatever it has returned.
    fn fail(&mut self, error: Error);

    /// Tells the caller the result, which is final now.
    fn answer(self: Box<Self>);

    /// Who may find something ready afterwards.
    fn woken(&mut self) -> Woken;
}

struct Call<F, T> {
    operation: F,
    wakes: bool,
    woken: Woken,
    result: Result<T>,
    reply: Sender<Result<T>>,
}

/// A job, and where its result arrives.
pub(crate) fn job<F, T>(wakes: bool, operation: F) -> (Box<dyn Job>, Receiver<Result<T>>)
where
    F: FnMut(&mut Ledger<'_>) -> Done<T> + Send + 'static,
    T: Send + 'static,
{
    let (reply, receiver) = channel();
    let unknown = Error::new(ErrorCode::Internal, "an operation of the store did not run");
    (Box::new(Call { operation, wakes, woken: Woken::default(), result: Err(unknown), reply }), receiver)
}

impl<F, T> Job for Call<F, T>
where
    F: FnMut(&mut Ledger<'_>) -> Done<T> + Send + 'static,
    T: Send + 'static,
{
    fn run(&mut self, ledger: &mut Ledger<'_>) -> Done<()> {
        // The thread serves others, too.
        let run = catch_unwind(AssertUnwindSafe(|| {
            let value = (self.operation)(ledger)?;
            ledger.flush()?;
            Ok(value)
        }));
        let value = run.unwrap_or_else(|_| {
            Err(Failed::new(ErrorCode::Internal, "an operation of the store panicked; nothing was stored"))
        });
        self.woken = ledger.woken();
        self.woken.workers |= self.wakes;
        self.result = Ok(value?);
        Ok(())
    }

    fn fail(&mut self, error: Error) {
        self.result = Err(error);
    }

    fn answer(self: Box<Self>) {
        // Nobody listens any more if the future was dropped.
        drop(self.reply.send(self.result));
    }

    fn woken(&mut self) -> Woken {
        std::mem::take(&mut self.woken)
    }
}
