//! The thread that reads, so that a long list does not delay a commit.

use std::sync::{Arc, mpsc::Receiver};

use rusqlite::Connection;
use ssf_transmitter::time::Clock;

use crate::{builder::Around, identity::Identity, job::Job, ledger::Ledger, writer::Message};

pub(crate) struct Reader {
    pub(crate) connection: Connection,
    pub(crate) messages: Receiver<Message>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) around: Around,
}

impl Reader {
    /// Serves until the store is closed or dropped.
    pub(crate) fn run(self) {
        let mut closed = None;
        while let Ok(message) = self.messages.recv() {
            match message {
                Message::Run(job) => {
                    let mut job = Some(job);
                    (self.around)(&mut || job.take().into_iter().for_each(|job| self.serve(job)));
                }
                Message::Watch => {}
                Message::Close(told) => {
                    closed = Some(told);
                    break;
                }
            }
        }
        let mut connection = Some(self.connection);
        (self.around)(&mut || drop(connection.take()));
        closed.map(|closed| closed.send(()));
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
