//! Freezes the claims of deliveries: those of all attempts that are ready at the same time with one call of the store.

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use crate::outbox::{Frozen, Outbox};

/// So many share a call at most.
const GROUP: usize = 256;

/// Claims, and where the answer goes.
type Request = (Frozen, oneshot::Sender<bool>);

/// Where attempts hand in their claims. Cheap to clone.
#[derive(Clone)]
pub(super) struct Freezer(mpsc::UnboundedSender<Request>);

impl Freezer {
    /// A freezer that works until the task is aborted.
    pub(super) fn start(outbox: Outbox, tasks: &mut JoinSet<()>) -> Self {
        let (sender, mut requests) = mpsc::unbounded_channel();
        tasks.spawn(async move {
            let mut group = Vec::new();
            while requests.recv_many(&mut group, GROUP).await > 0 {
                // A task of its own: a store that panics ends these attempts, and not all that come after.
                let mut calls = JoinSet::new();
                calls.spawn(serve(outbox.clone(), std::mem::take(&mut group)));
                calls.join_next().await;
            }
        });
        Self(sender)
    }

    /// Keeps the claims of a delivery. Returns whether its lease holds, and they are kept.
    pub(super) async fn freeze(&self, frozen: Frozen) -> bool {
        let (answer, held) = oneshot::channel();
        self.0.send((frozen, answer)).is_ok() && held.await.unwrap_or(false)
    }
}

async fn serve(outbox: Outbox, group: Vec<Request>) {
    let (frozen, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
    let held = match outbox.store().freeze(frozen.clone()).await {
        // What cannot be kept may be one of them.
        Err(_) if frozen.len() > 1 => {
            let mut held = Vec::new();
            for one in frozen {
                held.extend(outbox.store().freeze(vec![one]).await.unwrap_or_else(|_| vec![false]));
            }
            held
        }
        result => result.unwrap_or_default(),
    };
    for (answer, held) in answers.into_iter().zip(held) {
        // An attempt that was ended does not listen.
        let _ = answer.send(held);
    }
}
