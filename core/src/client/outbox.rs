//! An outbox of SETs to send, behind one small trait: in memory here, in a database if it must survive the process.

use std::collections::VecDeque;

use tokio::task::JoinSet;

use super::{Progress, Receiver, RequestLimit, Transmitter};
use crate::{
    delivery::Receipt,
    error::{Error, ErrorCode, Result},
    key::BoxFuture,
    set::SignedSet,
};

/// Concurrent deliveries.
const CONCURRENCY: usize = 32;

/// A signed SET that waits, and the name of its receiver: both are text, and fit into a row of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// The name by which [`Transmitter::drain`] finds the receiver.
    pub receiver: String,
    /// The SET. [`SignedSet::as_str`] and [`SignedSet::parse`] write and read it.
    pub set: SignedSet,
}

/// The outcome of a SET taken from the outbox.
#[derive(Debug)]
#[non_exhaustive]
pub enum Settlement {
    /// Delivered: forget it.
    Delivered(Receipt),
    /// Not delivered, and a retry is useless: set it aside for manual inspection.
    Failed(Error),
    /// Not delivered this time: retry it later, not before `retry_after` of the error.
    Later(Error),
}

/// What waits to be sent.
///
/// The outbox keeps a SET until it is settled: after a crash it is taken again with the same bytes,
/// and the receiver recognizes the repeat. So the effect is exactly once.
pub trait Outbox: Send {
    /// Keeps a SET until it is settled.
    fn put(&mut self, waiting: Waiting) -> BoxFuture<'_, Result<()>>;

    /// A [`drain`](Transmitter::drain) begins. What an earlier one took and did not settle, because it was dropped or
    /// failed, may be taken again, if no other process is at work on it. By default nothing happens.
    fn begin(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// The next SET to send, or `None` if there is none now. No other call gets it until it is settled.
    fn take(&mut self) -> BoxFuture<'_, Result<Option<Waiting>>>;

    /// Reports the outcome of a SET that was taken.
    fn settle(&mut self, waiting: Waiting, settlement: Settlement) -> BoxFuture<'_, Result<()>>;
}

/// An outbox in memory. What could not be delivered this time is kept apart until [`retry`](Self::retry). A SET leaves it
/// when it is settled: what a dropped drain had taken, the next one takes again.
#[derive(Debug, Default)]
pub struct MemoryOutbox {
    waiting: VecDeque<Waiting>,
    taken: Vec<Waiting>,
    later: Vec<Waiting>,
    failed: Vec<(Waiting, Error)>,
}

impl MemoryOutbox {
    /// SETs that are not settled yet: those that wait, and those that were taken.
    pub fn len(&self) -> usize {
        self.waiting.len() + self.taken.len()
    }

    /// Whether all is settled.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// SETs that could not be delivered this time.
    pub fn later(&self) -> &[Waiting] {
        &self.later
    }

    /// SETs that cannot be delivered, and why.
    pub fn failed(&self) -> &[(Waiting, Error)] {
        &self.failed
    }

    /// Lets those that could not be delivered wait again.
    pub fn retry(&mut self) {
        self.waiting.extend(self.later.drain(..));
    }
}

impl Outbox for MemoryOutbox {
    fn put(&mut self, waiting: Waiting) -> BoxFuture<'_, Result<()>> {
        self.waiting.push_back(waiting);
        Box::pin(std::future::ready(Ok(())))
    }

    fn begin(&mut self) -> BoxFuture<'_, Result<()>> {
        for waiting in self.taken.drain(..).rev() {
            self.waiting.push_front(waiting);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn take(&mut self) -> BoxFuture<'_, Result<Option<Waiting>>> {
        let next = self.waiting.pop_front();
        self.taken.extend(next.clone());
        Box::pin(std::future::ready(Ok(next)))
    }

    fn settle(&mut self, waiting: Waiting, settlement: Settlement) -> BoxFuture<'_, Result<()>> {
        if let Some(at) = self.taken.iter().position(|taken| *taken == waiting) {
            self.taken.remove(at);
        }
        match settlement {
            Settlement::Delivered(_) => {}
            Settlement::Failed(error) => self.failed.push((waiting, error)),
            Settlement::Later(_) => self.later.push(waiting),
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Transmitter {
    /// Sends all SETs of an outbox, and settles each one. `receiver_of` finds the receiver that a name
    /// stands for; a SET for a name that it does not know fails.
    ///
    /// Dropping the future ends the pending deliveries and loses nothing: their SETs are not settled. As an outbox gives
    /// out a SET again after that, or after a crash, a receiver that says it has the SET already counts as delivered.
    ///
    /// ```no_run
    /// # use std::collections::HashMap;
    /// # use ssf_transmitter::{Receiver, Transmitter, client::{MemoryOutbox, Outbox, Waiting}};
    /// # async fn example(transmitter: Transmitter, receivers: HashMap<String, Receiver>, waiting: Waiting)
    /// # -> Result<(), ssf_transmitter::Error> {
    /// let mut outbox = MemoryOutbox::default();
    /// outbox.put(waiting).await?;
    /// let progress = transmitter.drain(&mut outbox, |name| receivers.get(name).cloned()).await?;
    /// println!("{} delivered", progress.delivered);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn drain(
        &self,
        outbox: &mut dyn Outbox,
        receiver_of: impl Fn(&str) -> Option<Receiver>,
    ) -> Result<Progress> {
        outbox.begin().await?;
        let mut progress = Progress::default();
        let mut tasks: JoinSet<(Waiting, Result<Receipt>)> = JoinSet::new();
        let requests = RequestLimit::new(CONCURRENCY);
        loop {
            while tasks.len() < CONCURRENCY {
                let Some(waiting) = outbox.take().await? else { break };
                progress.started += 1;
                let (transmitter, requests) = (self.clone(), requests.clone());
                let receiver = receiver_of(&waiting.receiver);
                tasks.spawn(async move {
                    let result = match receiver {
                        Some(receiver) => {
                            let delivery = transmitter.deliver(&waiting.set, &receiver);
                            delivery.limited_by(&requests).repeated().await
                        }
                        None => Err(Error::new(ErrorCode::ConfigurationInvalid, "no receiver has this name")),
                    };
                    (waiting, result)
                });
            }
            let Some(joined) = tasks.join_next().await else { return Ok(progress) };
            let (waiting, result) = joined
                .map_err(|error| Error::internal("a delivery ended without a result").because(error))?;
            match &result {
                Ok(_) => progress.delivered += 1,
                Err(_) => progress.failed += 1,
            }
            let settlement = match result {
                Ok(receipt) => Settlement::Delivered(receipt),
                // Another transmitter may send what a closed one refuses.
                Err(error) if error.is_retryable() || error.code() == ErrorCode::TransmitterClosed => {
                    Settlement::Later(error)
                }
                Err(error) => Settlement::Failed(error),
            };
            outbox.settle(waiting, settlement).await?;
        }
    }
}
