//! Whose events streams get.

use ssf_transmitter::outbox::{SubjectKeys, Tag};

use super::{
    Ledger, Operation,
    streams::{LOCK, RECEIVER, read},
};
use crate::{
    failed::{Done, Failed},
    values::{each, one},
};

/// How many subjects a stream has kept, and whether this is one of them.
const COUNT: &str = "
    SELECT subjects, EXISTS (SELECT FROM stream_subjects s WHERE s.receiver = streams.receiver AND s.subject = $2)
    FROM streams WHERE receiver = $1";
const ADD_TO_COUNT: &str = "UPDATE streams SET subjects = greatest(subjects + $2, 0) WHERE receiver = $1";
/// Unless the stream says the same of it.
const REMOVE: &str =
    "DELETE FROM stream_subjects WHERE receiver = $1 AND subject = $2 AND wanted IS DISTINCT FROM $3";
const ADD: &str = "
    INSERT INTO stream_subjects (receiver, subject, wanted, shape, key) SELECT $1, $2, $3, $4, key FROM unnest($5) AS n (key)
    ON CONFLICT DO NOTHING";

/// Makes a stream want events about a subject, or not. Not beyond the limit.
pub(crate) struct SetSubject {
    pub(crate) stream: String,
    pub(crate) subject: SubjectKeys,
    pub(crate) wanted: bool,
    pub(crate) limit: u32,
}

impl Operation for SetSubject {
    type Output = bool;

    async fn run(&self, ledger: &mut Ledger<'_>) -> Done<bool> {
        // While the row is locked, nobody else changes its subjects.
        let rows = ledger.query(LOCK, &[one(&self.stream)]).await?;
        let Some(row) = rows.first() else { return Ok(true) };
        let (stream, receiver): (_, i64) = (read(row)?, row.try_get(RECEIVER)?);
        // What the stream does by default needs no row.
        let side = Some(self.wanted).filter(|wanted| *wanted != stream.all_subjects);
        let identity = self.subject.identity();
        let identity = identity.as_bytes();
        let rows = ledger.query(COUNT, &[one(&receiver), one(&identity)]).await?;
        let row = rows.first().ok_or_else(Failed::corrupt)?;
        let (count, was_kept): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
        if side.is_some() && !was_kept && count >= i64::from(self.limit) {
            return Ok(false);
        }
        if side.is_some() != was_kept {
            let more: i64 = if was_kept { -1 } else { 1 };
            ledger.execute(ADD_TO_COUNT, &[one(&receiver), one(&more)]).await?;
        }
        ledger.execute(REMOVE, &[one(&receiver), one(&identity), one(&side)]).await?;
        let Some(wanted) = side else { return Ok(true) };
        let keys = self.subject.keys()?;
        let keys = keys.iter().map(Tag::as_bytes).collect();
        let shape = self.subject.shape();
        let values = [one(&receiver), one(&identity), one(&wanted), one(&shape), each::<&[u8]>(&keys)];
        ledger.execute(ADD, &values).await?;
        Ok(true)
    }
}
