//! How results come back to JavaScript: many at a time, for waking its event loop costs more than a result does.

use std::{
    collections::HashMap,
    future::Future,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use napi::{
    Env, Status,
    bindgen_prelude::{Either, Function, ToNapiValue, Unknown},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use tokio::task::AbortHandle;

use crate::{
    failure::{Failure, Outcome, Result, outcome},
    runtime::runtime,
};

/// Wakes the event loop, and does not keep it alive: `ts/calls.ts` knows when to.
type Waker = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Makes the JavaScript value of a result, on the thread of JavaScript.
type Letter = Box<dyn for<'e> FnOnce(&'e Env) -> napi::Result<Unknown<'e>> + Send>;

/// Where results arrive, for one thread of JavaScript.
#[napi]
pub struct Mailbox(Arc<Inner>);

struct Inner {
    wake: Waker,
    letters: Mutex<Vec<(u32, Letter)>>,
    tasks: Mutex<HashMap<u32, AbortHandle>>,
}

#[napi]
impl Mailbox {
    /// `wake` is called when there is something to take.
    #[napi(constructor)]
    pub fn new(wake: Function<'_, (), ()>) -> napi::Result<Self> {
        let wake = wake.build_threadsafe_function().weak::<true>().build()?;
        Ok(Self(Arc::new(Inner { wake, letters: Mutex::default(), tasks: Mutex::default() })))
    }

    /// What has arrived: number and result by turns.
    #[napi]
    pub fn take<'e>(&self, env: &'e Env) -> napi::Result<Vec<Either<u32, Unknown<'e>>>> {
        let letters = mem::take(&mut *lock(&self.0.letters));
        let mut all = Vec::with_capacity(2 * letters.len());
        for (number, letter) in letters {
            all.extend([Either::A(number), Either::B(letter(env)?)]);
        }
        Ok(all)
    }

    /// Abandons a task. Its result says so, unless it was there before.
    #[napi]
    pub fn abort(&self, number: u32) {
        if let Some(task) = lock(&self.0.tasks).get(&number) {
            task.abort();
        }
    }
}

impl Mailbox {
    /// Runs `work`; its result will arrive under `number`.
    pub(crate) fn spawn<T: ToNapiValue + Send + 'static>(
        &self,
        number: u32,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Outcome<()> {
        outcome(runtime().map(|runtime| {
            let envelope = Envelope { mailbox: self.0.clone(), number, letter: None };
            // Held until the task is noted: it may end before that.
            let mut tasks = lock(&self.0.tasks);
            let task = runtime.spawn(async move {
                let mut envelope = envelope;
                let result = work.await;
                envelope.letter = Some(Box::new(move |env| outcome(result).into_unknown(env)));
            });
            tasks.insert(number, task.abort_handle());
        }))
    }

    /// Runs `work`, which computes and does not wait, where it holds up neither JavaScript nor a delivery.
    pub(crate) fn spawn_blocking<T: ToNapiValue + Send + 'static>(
        &self,
        number: u32,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Outcome<()> {
        self.spawn(number, async {
            let done = tokio::task::spawn_blocking(work).await;
            done.map_err(|_| Failure::internal("a task ended without a result"))?
        })
    }
}

/// Delivers a result, and says so where there is none: the task was abandoned, or panicked.
struct Envelope {
    mailbox: Arc<Inner>,
    number: u32,
    letter: Option<Letter>,
}

impl Drop for Envelope {
    fn drop(&mut self) {
        let Inner { wake, letters, tasks } = &*self.mailbox;
        lock(tasks).remove(&self.number);
        let letter = self.letter.take().unwrap_or_else(|| {
            Box::new(|env| {
                outcome::<()>(Err(Failure::internal("a task ended without a result"))).into_unknown(env)
            })
        });
        let first = {
            let mut letters = lock(letters);
            letters.push((self.number, letter));
            letters.len() == 1
        };
        // Of a thread of JavaScript that has ended nobody takes it, and it matters to nobody.
        if first {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

// Nothing that could panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
