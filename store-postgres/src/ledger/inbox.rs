//! Entries of transactions of the host: they are taken over, or refused and kept with the reason.

use std::slice;

use ssf_transmitter::{ErrorCode, outbox::Message};

use super::{
    Ledger, Operation,
    admit::{Call, Refusal},
};
use crate::{
    codec::{signed, time, unsigned},
    failed::Done,
    inbox::Refused,
    values::{each, one},
};

/// So many entries are taken over in one transaction at most.
const MOST: i64 = 500;

/// The oldest ones that no other worker takes over.
const ENTRIES: &str = "
    SELECT id, at, entry FROM inbox WHERE refused_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED";
const REMOVE: &str = "DELETE FROM inbox WHERE id = ANY($1)";
const REFUSE: &str = "
    UPDATE inbox i SET refused_at = $1, code = n.code FROM unnest($2, $3) AS n (id, code) WHERE i.id = n.id";
const REFUSED: &str = "
    SELECT id, at, refused_at, code, entry FROM inbox WHERE refused_at IS NOT NULL AND id > $1 ORDER BY id LIMIT $2";

/// Takes entries over by the rules of an enqueue, and tells how many it has looked at.
pub(crate) struct TakeOver;

impl Operation for TakeOver {
    type Output = u64;

    const OFTEN: bool = true;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<u64> {
        let rows = ledger.query(ENTRIES, &[one(&MOST)]).await?;
        let (mut read, mut refused, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            let (id, at): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            match Message::from_json(row.try_get(2)?) {
                Ok(message) => read.push((id, time(at), message)),
                Err(error) => refused.push((id, error.code())),
            }
        }
        let calls = read.iter().map(|(_, at, message)| Call { messages: slice::from_ref(message), at: *at });
        let calls: Vec<_> = calls.collect();
        for ((id, ..), answer) in read.iter().zip(ledger.admit(&calls).await?) {
            match answer {
                Ok(_) => removed.push(*id),
                Err(Refusal::Key | Refusal::Jti) => refused.push((*id, ErrorCode::OutboxConflict)),
            }
        }
        ledger.execute(REMOVE, &[each(&removed)]).await?;
        if !refused.is_empty() {
            let (ids, codes) = refused.into_iter().map(|(id, code)| (id, code.as_str())).unzip();
            ledger.execute(REFUSE, &[one(&ledger.millis()), each(&ids), each(&codes)]).await?;
        }
        unsigned(signed(rows.len()))
    }
}

/// Lists the entries that were refused.
pub(crate) struct ListRefused {
    pub(crate) after: Option<i64>,
    pub(crate) limit: u32,
}

impl Operation for ListRefused {
    type Output = Vec<Refused>;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<Vec<Refused>> {
        let (after, limit) = (self.after.unwrap_or(i64::MIN), i64::from(self.limit));
        let rows = ledger.query(REFUSED, &[one(&after), one(&limit)]).await?;
        let read = |row: &tokio_postgres::Row| {
            let code: &str = row.try_get(3)?;
            Ok(Refused {
                id: row.try_get(0)?,
                enqueued_at: time(row.try_get(1)?),
                refused_at: time(row.try_get(2)?),
                // A newer version may know more codes.
                code: ErrorCode::by_name(code).unwrap_or(ErrorCode::Internal),
                message: Message::from_json(row.try_get(4)?).ok(),
            })
        };
        rows.iter().map(read).collect()
    }
}
