//! The thread that reads, so that a long list does not delay a commit.

use std::sync::{Arc, mpsc::Receiver};

use rusqlite::Connection;
use ssf_transmitter::time::Clock;

use crate::{identity::Identity, job::Job, ledger::Ledger, writer::Message};

pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) messages: Receiver<Message>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) identity: Arc<Identity>,
}

impl Reader {
    /// Serves until the store is closed or dropped.
    pub(crate) fn run(self) {
        while let Ok(message) = self.messages.recv() {
            match message {
                Message::Run(job) => self.serve(job),
                Message::Watch => {}
                Message::Close(closed) => {
                    drop(self.connection);
                    let _ = closed.send(());
                    return;
                }
            }
        }
    }

    fn serve(&self, mut job: Box<dyn Job>) {
        // One snapshot for all statements, and released at once: a snapshot that is held keeps the log from being moved.
        let read = self
            .connection
            .unchecked_transaction()
            .map_err(Into::into)
            .and_then(|transaction| job.run(&mut Ledger::new(&transaction, self.clock.now())));
        if let Err(error) = read {
            job.fail(error.into());
        }
        if let Err(error) = self.identity.check() {
            job.fail(error);
        }
        job.answer();
    }
}
