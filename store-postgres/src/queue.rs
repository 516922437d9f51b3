//! Group commit: calls that enqueue at the same time share a transaction, because the slowest part is the disk of the server.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use ssf_transmitter::{
    Error, Result, Timestamp,
    outbox::{Enqueued, Message},
};
use tokio::sync::oneshot;

use crate::{
    connection::Connection,
    failed::{Done, Failed},
    ledger::{Admitted, Answers, Asked, Call, Ledger, Operation, jtis, single},
    session::{Broken, Sessions},
};

/// So many messages share a transaction at most, unless one call brings more.
const GROUP: usize = 256;
/// So many transactions run at once at most: one that waits for a receiver does not delay all others.
const LEADERS: usize = 2;

/// The calls that no transaction has taken yet.
#[derive(Default)]
pub(crate) struct Queue(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    calls: VecDeque<Waiter>,
    leaders: usize,
}

/// A call, and where its answer goes.
struct Waiter {
    messages: Vec<Message>,
    answer: oneshot::Sender<Result<Vec<Enqueued>>>,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call. Returns where its answer arrives, and whether another leader is to start.
    pub(crate) fn add(&self, messages: Vec<Message>) -> (oneshot::Receiver<Result<Vec<Enqueued>>>, bool) {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting();
        waiting.calls.push_back(Waiter { messages, answer });
        let leads = waiting.leaders < LEADERS;
        waiting.leaders += usize::from(leads);
        (answered, leads)
    }

    /// Takes calls until their messages are as many as share a transaction. Those that nobody waits for any more are left out.
    fn take(&self, group: &mut Vec<Waiter>) {
        let mut count: usize = group.iter().map(|call| call.messages.len()).sum();
        let mut waiting = self.waiting();
        while let Some(next) = waiting.calls.front() {
            if count > 0 && count + next.messages.len() > GROUP {
                break;
            }
            let Some(next) = waiting.calls.pop_front().filter(|next| !next.answer.is_closed()) else {
                continue;
            };
            count += next.messages.len();
            group.push(next);
        }
    }

    /// Runs transactions until no call waits. `committed` is called after each.
    pub(crate) async fn lead(&self, sessions: &Sessions, committed: impl Fn()) {
        let mut leader = Leader { queue: self, done: false };
        while !leader.is_done() {
            // Callers that were answered may have the next call ready.
            tokio::task::yield_now().await;
            let mut calls = Vec::new();
            self.take(&mut calls);
            if calls.is_empty() || (calls.len() == 1 && accept(&mut calls, sessions, &committed).await) {
                continue;
            }
            let group = Group { queue: Some(self), calls: calls.into() };
            for rejected in group.commit(sessions, &committed).await {
                let alone = Group { queue: None, calls: vec![rejected].into() };
                alone.commit(sessions, &committed).await;
            }
        }
    }
}

/// Answers a call that needs no transaction of several statements. Returns whether it could.
async fn accept(calls: &mut Vec<Waiter>, sessions: &Sessions, committed: impl Fn()) -> bool {
    let Some(Waiter { messages, .. }) = calls.first() else { return false };
    let [message] = &**messages else { return false };
    if !single::is_single(message) {
        return false;
    }
    let answer = match sessions.accept(message).await {
        Ok(false) => return false,
        Ok(true) => Ok(vec![Enqueued::new(jtis(message), false)]),
        Err(failed) => Err(Error::from(failed)),
    };
    committed();
    for call in calls.drain(..) {
        drop(call.answer.send(answer.clone()));
    }
    true
}

/// One of the tasks that serve the queue. If its runtime drops it, nobody waits for it.
struct Leader<'q> {
    queue: &'q Queue,
    done: bool,
}

impl Leader<'_> {
    /// Whether nothing is left to do, which ends it: the next call starts another one.
    fn is_done(&mut self) -> bool {
        let mut waiting = self.queue.waiting();
        self.done = waiting.calls.is_empty();
        waiting.leaders -= usize::from(self.done);
        self.done
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        if !self.done {
            let mut waiting = self.queue.waiting();
            waiting.leaders -= 1;
            if waiting.leaders == 0 {
                waiting.calls.clear();
            }
        }
    }
}

/// The calls of a transaction.
struct Group<'q> {
    queue: Option<&'q Queue>,
    calls: tokio::sync::Mutex<Vec<Waiter>>,
}

impl Group<'_> {
    /// Answers the calls, or returns them if each is to be repeated alone: one of them may be what the database rejects.
    async fn commit(self, sessions: &Sessions, committed: impl Fn()) -> Vec<Waiter> {
        let result = sessions.repeat(&self).await;
        let calls = self.calls.into_inner();
        match result {
            Ok(answers) => {
                committed();
                for (call, answer) in calls.into_iter().zip(answers) {
                    drop(call.answer.send(answer.map_err(|refusal| Failed::from(refusal).into())));
                }
            }
            Err(Broken::Undone(failed)) if calls.len() > 1 && failed.is_of_operation() => return calls,
            Err(Broken::Undone(failed) | Broken::Unknown(failed)) => {
                let error = Error::from(failed);
                for call in calls {
                    drop(call.answer.send(Err(error.clone())));
                }
            }
        }
        Vec::new()
    }
}

impl Operation for Group<'_> {
    type Output = Vec<Admitted>;

    const OFTEN: bool = true;

    async fn ask(&self, connection: &Connection, _: Option<Timestamp>) -> Done<Option<Asked>> {
        let mut group = self.calls.lock().await;
        if let Some(queue) = self.queue {
            queue.take(&mut group);
        }
        let messages: Vec<_> = group.iter().flat_map(|call| &call.messages).collect();
        if messages.is_empty() {
            return Ok(None);
        }
        Answers::of(connection, &messages).await.map(Asked::Messages).map(Some)
    }

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<Admitted>> {
        let group = self.calls.lock().await;
        let at = ledger.now();
        let calls: Vec<_> = group.iter().map(|call| Call { messages: &call.messages, at }).collect();
        if calls.is_empty() { Ok(Vec::new()) } else { ledger.admit(&calls).await }
    }
}
