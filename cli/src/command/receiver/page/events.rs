//! What arrives, as server-sent events.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::Bytes;
use hyper::body::{Body, Frame};
use serde_json::Value;
use tokio::sync::mpsc::{self, error::SendError};

use super::server::Shared;

/// So many events wait for a reader that is slow. The others wait where they are kept.
const AHEAD: usize = 16;

/// The body of an answer that goes on until the page ends or the reader leaves.
pub(super) struct Feed(mpsc::Receiver<Bytes>);

/// What arrived after this number, and what arrives.
pub(super) fn feed(shared: Arc<Shared>, after: u64) -> Feed {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut stopped = shared.stopped.clone();
        tokio::select! {
            // The reader has left.
            _ = tell(&shared, after, &sender) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    });
    Feed(receiver)
}

async fn tell(shared: &Shared, after: u64, sender: &mpsc::Sender<Bytes>) -> Result<(), SendError<Bytes>> {
    let mut seen = after;
    let mut switched = shared.switch.changes();
    sender.send(event("receiver", None, &shared.view.receiver())).await?;
    sender.send(event("faults", None, &shared.switch.shown())).await?;
    loop {
        tokio::select! {
            arrivals = shared.arrivals.after(seen) => {
                for arrival in arrivals {
                    seen = arrival.entry.sequence;
                    sender.send(event("arrival", Some(seen), &shared.view.shown(&arrival))).await?;
                }
            }
            _ = switched.changed() => sender.send(event("faults", None, &shared.switch.shown())).await?,
            () = sender.closed() => return Ok(()),
        }
    }
}

/// An event of the format that browsers read. JSON without spaces is one line.
fn event(name: &str, id: Option<u64>, data: &Value) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("event: {name}\n{id}data: {data}\n\n").into()
}

impl Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|next| next.map(|bytes| Ok(Frame::data(bytes))))
    }
}
