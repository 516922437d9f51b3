//! Waits for changes, also those of other processes.

use std::sync::mpsc::Sender;

use crate::{notifier::Changed, writer::Message};

/// Ends after a change. The writer looks for those of other processes while somebody waits; this wakes it up if it does not.
pub(crate) fn watch(changed: Changed, writer: Sender<Message>) -> impl Future<Output = ()> + Send {
    // If the store is closed, nothing changes any more.
    drop(writer.send(Message::Watch));
    changed
}
