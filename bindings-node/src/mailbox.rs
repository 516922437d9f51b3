//! How results come back to JavaScript: many at a time, for waking its event loop costs more than a result does.

use std::{
    cell::Cell,
    collections::HashMap,
    future::Future,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Wake,
    time::Duration,
};

use napi::{
    Env, Status,
    bindgen_prelude::{Either, Function, ToNapiValue, Unknown},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use ssf_bindings::direct::Direct;
use tokio::{task::AbortHandle, time::Instant};

use crate::{
    failure::{Failure, Outcome, Result, outcome},
    runtime::runtime,
};

/// Wakes the event loop, and does not keep it alive: `ts/calls.ts` knows when to.
type Waker = ThreadsafeFunction<(), (), (), Status, false, true>;

/// Makes the JavaScript value of a result, on the thread of JavaScript.
type Completion = Box<dyn for<'e> FnOnce(&'e Env) -> napi::Result<Unknown<'e>> + Send>;

/// Where results arrive, for one thread of JavaScript.
///
/// A worker that has more to do does not wake JavaScript for each result: that takes a tenth of the time of an RS256
/// signature. It holds results back until they are many, or old, or it has nothing to do.
#[napi]
pub struct Mailbox(Arc<Inner>);

/// The longest that a result is held back while the thread that brought it has more to do.
const PATIENCE: Duration = Duration::from_millis(2);

struct Inner {
    wake: Waker,
    post: Mutex<Post>,
}

enum Task {
    /// On the runtime.
    Spawned(AbortHandle),
    Direct(Arc<Direct>),
}

#[derive(Default)]
struct Post {
    /// Pending tasks.
    tasks: HashMap<u32, Task>,
    /// Whether one of them is direct.
    is_direct: bool,
    completions: Vec<(u32, Completion)>,
    /// When the first of the completions came, unless JavaScript was told.
    since: Option<Instant>,
}

thread_local! {
    /// The mailboxes that this thread holds back; none where nobody will call [`post`].
    static HELD: Cell<Option<Vec<Arc<Inner>>>> = const { Cell::new(None) };
}

/// Tells JavaScript of everything that this thread has held back. A worker of the runtime calls it before it sleeps.
pub(crate) fn post() {
    for mailbox in HELD.replace(Some(Vec::new())).unwrap_or_default() {
        mailbox.tell(|_| true);
    }
}

/// Holds a mailbox back, and tells JavaScript of those that are due.
fn hold(mailbox: Option<Arc<Inner>>) {
    match HELD.take() {
        Some(mut held) => {
            held.extend(mailbox);
            held.retain(|mailbox| !mailbox.tell(Post::is_due));
            HELD.set(Some(held));
        }
        None => mailbox.into_iter().for_each(|mailbox| _ = mailbox.tell(|_| true)),
    }
}

#[napi]
impl Mailbox {
    /// `wake` is called when there is something to take.
    #[napi(constructor)]
    pub fn new(wake: Function<'_, (), ()>) -> napi::Result<Self> {
        let wake = wake.build_threadsafe_function().weak::<true>().build()?;
        Ok(Self(Arc::new(Inner { wake, post: Mutex::default() })))
    }

    /// What has arrived: number and result by turns.
    #[napi]
    pub fn take<'e>(&self, env: &'e Env) -> napi::Result<Vec<Either<u32, Unknown<'e>>>> {
        let completions = {
            let mut post = lock(&self.0.post);
            post.since = None;
            mem::take(&mut post.completions)
        };
        let mut all = Vec::with_capacity(2 * completions.len());
        for (number, completion) in completions {
            all.extend([Either::A(number), Either::B(completion(env)?)]);
        }
        Ok(all)
    }

    /// Abandons a task. Its result says so, unless it was there before.
    #[napi]
    pub fn abort(&self, number: u32) {
        let direct = match lock(&self.0.post).tasks.get(&number) {
            Some(Task::Spawned(task)) => return task.abort(),
            Some(Task::Direct(task)) => task.clone(),
            None => return,
        };
        // Its envelope locks the post.
        direct.abort();
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
            let envelope = Envelope { mailbox: self.0.clone(), number, completion: None };
            // Held until the task is noted: it may end before that.
            let mut post = lock(&self.0.post);
            let task = runtime.spawn(async move {
                let mut envelope = envelope;
                // What comes now may be a signature, during which this thread tells nothing.
                hold(None);
                let result = work.await;
                envelope.completion = Some(Box::new(move |env| outcome(result).into_unknown(env)));
            });
            post.tasks.insert(number, Task::Spawned(task.abort_handle()));
        }))
    }

    /// Runs `work`, whose steps are short. The first of such calls does not wait for a thread of the runtime: see [`Direct`].
    pub(crate) fn spawn_direct<T: ToNapiValue + Send + 'static>(
        &self,
        number: u32,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Outcome<()> {
        if mem::replace(&mut lock(&self.0.post).is_direct, true) {
            return self.spawn(number, work);
        }
        outcome(runtime().map(|runtime| {
            let envelope = Envelope { mailbox: self.0.clone(), number, completion: None };
            let task = Direct::new(runtime, async move {
                let mut envelope = envelope;
                let result = work.await;
                envelope.completion = Some(Box::new(move |env| outcome(result).into_unknown(env)));
            });
            lock(&self.0.post).tasks.insert(number, Task::Direct(task.clone()));
            task.wake();
        }))
    }

    /// Runs `work`, which computes and does not wait, on a thread where it blocks neither JavaScript nor a delivery.
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
    completion: Option<Completion>,
}

impl Drop for Envelope {
    fn drop(&mut self) {
        let completion = self.completion.take().unwrap_or_else(|| {
            Box::new(|env| {
                outcome::<()>(Err(Failure::internal("a task ended without a result"))).into_unknown(env)
            })
        });
        if self.mailbox.put(self.number, completion) {
            hold(Some(self.mailbox.clone()));
        } else {
            self.mailbox.tell(Post::is_due);
        }
    }
}

impl Post {
    /// Results are worth a wake-up of JavaScript once they are half as many as the pending tasks: no caller runs out of work.
    fn is_due(&self) -> bool {
        2 * self.completions.len() >= self.tasks.len()
            || self.since.is_none_or(|since| since.elapsed() >= PATIENCE)
    }
}

impl Inner {
    /// Puts the completion of a task that has ended in. Returns whether it is the first.
    fn put(&self, number: u32, completion: Completion) -> bool {
        let mut post = lock(&self.post);
        let task = post.tasks.remove(&number);
        if matches!(task, Some(Task::Direct(_))) {
            post.is_direct = false;
        }
        let first = post.completions.is_empty();
        post.completions.push((number, completion));
        if first {
            post.since = Some(Instant::now());
        }
        first
    }

    /// Tells JavaScript of its completions if they are due. Returns whether it knows of them.
    fn tell(&self, is_due: impl FnOnce(&Post) -> bool) -> bool {
        let mut post = lock(&self.post);
        if post.since.is_some() {
            if !is_due(&post) {
                return false;
            }
            post.since = None;
            drop(post);
            // Of a thread of JavaScript that has ended nobody takes them, and it matters to nobody.
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
        true
    }
}

// Nothing that could panic runs under these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
