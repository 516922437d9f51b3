//! An operation on its way to a thread, and its result on the way back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_channel::oneshot::{Receiver, Sender, channel};
use ssf_transmitter::{Error, ErrorCode, Result};

use crate::{
    failed::{Done, Failed},
    ledger::Ledger,
};

/// An operation. It may run more than once: a transaction can fail as a whole because of another operation in it.
pub(crate) trait Job: Send {
    /// Whether it only adds what is new, so that it can share what it reads of receivers with other such operations.
    fn adds(&self) -> bool;

    /// Runs the operation, and keeps what it returns.
    fn run(&mut self, ledger: &mut Ledger<'_>) -> Done<()>;

    /// Makes the operation fail, whatever it has returned.
    fn fail(&mut self, error: Error);

    /// Tells the caller the result, which is final now.
    fn answer(self: Box<Self>);
}

/// What an operation does to others.
#[derive(Clone, Copy, Default)]
pub(crate) struct Effect {
    /// It may make something ready for a worker.
    pub(crate) wakes: bool,
    /// See [`Job::adds`].
    pub(crate) adds: bool,
}

struct Call<F, T> {
    operation: F,
    effect: Effect,
    result: Result<T>,
    reply: Sender<Result<T>>,
}

/// A job, and where its result arrives.
pub(crate) fn job<F, T>(effect: Effect, operation: F) -> (Box<dyn Job>, Receiver<Result<T>>)
where
    F: FnMut(&mut Ledger<'_>) -> Done<T> + Send + 'static,
    T: Send + 'static,
{
    let (reply, receiver) = channel();
    let unknown = Error::new(ErrorCode::Internal, "an operation of the store did not run");
    (Box::new(Call { operation, effect, result: Err(unknown), reply }), receiver)
}

impl<F, T> Job for Call<F, T>
where
    F: FnMut(&mut Ledger<'_>) -> Done<T> + Send + 'static,
    T: Send + 'static,
{
    fn adds(&self) -> bool {
        self.effect.adds
    }

    fn run(&mut self, ledger: &mut Ledger<'_>) -> Done<()> {
        // The thread serves others, too.
        let run = catch_unwind(AssertUnwindSafe(|| (self.operation)(ledger)));
        let value = run.unwrap_or_else(|_| {
            Err(Failed::new(ErrorCode::Internal, "an operation of the store panicked; nothing was stored"))
        });
        self.result = Ok(value?);
        if self.effect.wakes {
            ledger.wake_workers();
        }
        Ok(())
    }

    fn fail(&mut self, error: Error) {
        self.result = Err(error);
    }

    fn answer(self: Box<Self>) {
        // Nobody listens any more if the future was dropped.
        drop(self.reply.send(self.result));
    }
}
