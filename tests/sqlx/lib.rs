//! Tests of the outbox in PostgreSQL with sqlx.
