//! A message that nothing has to be looked up for: one statement accepts it, which is a transaction of its own.

use ssf_transmitter::outbox::Message;
use tokio_postgres::types::Type;

use super::enqueue::bytes;
use crate::{
    codec::signed,
    connection::Connection,
    failed::Done,
    schema::Schema,
    values::{Value, one},
};

/// It adds nothing unless the receiver is known, and what its turn will be: it does not change if something else is ready, and the
/// receiver has one if it is active without a limit. Whether another one has a turn is for the core to decide.
pub(crate) fn statement(schema: &Schema) -> String {
    format!(
        "WITH lane AS (
            UPDATE {receivers}
            SET enqueued = enqueued + 1, waiting = waiting + 1, ready = ready + 1, turn = CASE ready WHEN 0 THEN served ELSE turn END
            WHERE name = $1 AND mode IS NULL AND (
                ready > 0 OR state IS NULL OR (
                    state::json ->> 'status' = 'active' AND state::json ->> 'resume_at' IS NULL
                    AND state::json ->> 'allowance' IS NULL
                )
            )
            RETURNING id
        ), event AS (
            INSERT INTO {events} (kept, event, subject, fingerprint, payload) SELECT 1, $2, $3, $4, $5 FROM lane RETURNING id
        )
        INSERT INTO {deliveries} (jti, event, receiver, state, wait, priority, enqueued_at, max_age, expires_at)
        SELECT $6, event.id, lane.id, 0, 0, $7, $8, $9,
            coalesce($10, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) + $9
        FROM lane, event",
        receivers = schema.table("receivers"),
        events = schema.table("events"),
        deliveries = schema.table("deliveries"),
    )
}

/// Whether a message is one: for one receiver, now, and whatever else the outbox has.
pub(crate) fn is_single(message: &Message) -> bool {
    let Message { deliveries, idempotency, supersedes, not_before, ordered, .. } = message;
    deliveries.len() == 1 && idempotency.is_none() && supersedes.is_none() && not_before.is_none() && !ordered
}

/// Runs the statement, and returns whether the message was accepted. `now` takes the place of the clock of the database.
pub(crate) async fn accept(
    connection: &Connection,
    statement: &str,
    message: &Message,
    now: Option<i64>,
) -> Done<bool> {
    let Some(delivery) = message.deliveries.first() else { return Ok(false) };
    let (subject, fingerprint) = (bytes(message.subject.as_ref()), message.fingerprint.as_bytes());
    let (payload, priority) = (message.payload.as_bytes(), i16::from(message.priority.rank()));
    let (issued_at, max_age) = (message.issued_at.as_unix_millis(), signed(message.max_age.as_millis()));
    let values: [Value<'_>; 10] = [
        one(&delivery.receiver),
        one(&message.event),
        one(&subject),
        (&fingerprint, Type::BYTEA),
        (&payload, Type::BYTEA),
        one(&delivery.jti),
        one(&priority),
        one(&issued_at),
        one(&max_age),
        one(&now),
    ];
    Ok(connection.execute(statement, &values).await? > 0)
}
