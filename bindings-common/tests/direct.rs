//! A task without a thread of its own.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    future::{Future, pending, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Waker},
    thread,
};

use ssf_bindings::{direct::Direct, runtime};
use tokio::{runtime::Runtime, sync::oneshot};

fn shared() -> &'static Runtime {
    runtime::shared(|_| {}).unwrap()
}

/// Counts how often it is polled, and whether it ever was by two threads at once.
#[derive(Default)]
struct Watch {
    polls: AtomicUsize,
    inside: AtomicBool,
    overlapped: AtomicBool,
    dropped: AtomicBool,
}

struct Watched<F>(Arc<Watch>, F);

impl<F: FnMut(&mut Context<'_>) -> Poll<()> + Unpin> Future for Watched<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let watch = Arc::clone(&self.0);
        watch.overlapped.fetch_or(watch.inside.swap(true, Ordering::SeqCst), Ordering::SeqCst);
        watch.polls.fetch_add(1, Ordering::SeqCst);
        let polled = (self.1)(context);
        watch.inside.store(false, Ordering::SeqCst);
        polled
    }
}

impl<F> Drop for Watched<F> {
    fn drop(&mut self) {
        self.0.dropped.store(true, Ordering::SeqCst);
    }
}

fn start(
    work: impl FnMut(&mut Context<'_>) -> Poll<()> + Unpin + Send + 'static,
) -> (Arc<Direct>, Arc<Watch>) {
    let watch = Arc::new(Watch::default());
    (Direct::new(shared(), Watched(Arc::clone(&watch), work)), watch)
}

fn wake(task: &Arc<Direct>) {
    Waker::from(Arc::clone(task)).wake();
}

#[test]
fn it_begins_on_the_thread_that_calls_and_goes_on_where_it_is_woken() {
    let (sender, receiver) = oneshot::channel::<()>();
    let (told, threads) = mpsc::channel();
    let task = Direct::new(shared(), async move {
        told.send(thread::current().id()).unwrap();
        receiver.await.unwrap();
        // Timers and tasks of the runtime are there.
        tokio::spawn(async {}).await.unwrap();
        told.send(thread::current().id()).unwrap();
    });
    assert!(threads.try_recv().is_err(), "it begins when it is woken");
    wake(&task);
    assert_eq!(threads.recv().unwrap(), thread::current().id());
    let other = thread::spawn(move || {
        sender.send(()).unwrap();
        thread::current().id()
    });
    other.join().unwrap();
    assert_ne!(threads.recv().unwrap(), thread::current().id());
}

#[test]
fn a_wake_during_a_step_leads_to_another_step() {
    let mut left = 3;
    let (task, watch) = start(move |context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    });
    wake(&task);
    assert_eq!(watch.polls.load(Ordering::SeqCst), 4);
    assert!(watch.dropped.load(Ordering::SeqCst), "it has ended");
    wake(&task);
    assert_eq!(watch.polls.load(Ordering::SeqCst), 4);
}

#[test]
fn many_threads_wake_it_and_one_at_a_time_works() {
    const THREADS: usize = 8;
    const WAKES: usize = 2000;
    let wakes = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&wakes);
    let (task, watch) =
        start(
            move |_| {
                if seen.load(Ordering::SeqCst) == THREADS * WAKES { Poll::Ready(()) } else { Poll::Pending }
            },
        );
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (task, wakes) = (Arc::clone(&task), Arc::clone(&wakes));
            thread::spawn(move || {
                for _ in 0..WAKES {
                    wakes.fetch_add(1, Ordering::SeqCst);
                    wake(&task);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(watch.dropped.load(Ordering::SeqCst), "the last wake was lost");
    assert!(!watch.overlapped.load(Ordering::SeqCst));
}

#[test]
fn what_is_aborted_is_dropped_at_once_and_not_polled_again() {
    let (task, watch) = start(|_| Poll::Pending);
    wake(&task);
    task.abort();
    assert!(watch.dropped.load(Ordering::SeqCst));
    wake(&task);
    assert_eq!(watch.polls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_panic_ends_the_task_and_not_the_thread() {
    let (task, watch) = start(|_| panic!("as a test"));
    wake(&task);
    assert!(watch.dropped.load(Ordering::SeqCst));
    wake(&task);
    assert_eq!(watch.polls.load(Ordering::SeqCst), 1);
}

#[test]
fn a_task_that_waits_for_ever_keeps_no_thread() {
    let task = Direct::new(shared(), async {
        poll_fn(|_| Poll::Ready(())).await;
        pending::<()>().await;
    });
    wake(&task);
    assert_eq!(Arc::strong_count(&task), 1, "nothing holds it but its owner");
}
