-- A stream is the receiver with the name `stream:` and its id; `receiver` is the id of that row.
CREATE TABLE streams (
    receiver INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    polled INTEGER NOT NULL,
    events TEXT NOT NULL,                 -- JSON
    all_subjects INTEGER NOT NULL,
    configuration BLOB NOT NULL
) STRICT;
CREATE INDEX streams_owner ON streams (owner, id);

-- Which streams get an event: those that are not disabled.
CREATE TABLE stream_events (
    event TEXT NOT NULL,
    all_subjects INTEGER NOT NULL,
    receiver INTEGER NOT NULL,
    PRIMARY KEY (event, all_subjects, receiver)
) STRICT, WITHOUT ROWID;

-- Subjects that a stream wants or does not want, where that is not its default: each has a row for each of its keys.
CREATE TABLE stream_subjects (
    receiver INTEGER NOT NULL,
    subject BLOB NOT NULL,                -- its identity
    key BLOB NOT NULL,
    shape TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    PRIMARY KEY (receiver, subject, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX stream_subjects_key ON stream_subjects (wanted, shape, key);

-- What a poll asks of one receiver: which leases end, and what is due.
DROP INDEX deliveries_of;
CREATE INDEX deliveries_of ON deliveries (receiver, state, lease_until);
CREATE INDEX deliveries_due_of ON deliveries (receiver, due_at) WHERE wait = 1;

-- By this name, a process with the library of version 1 looks for leases. It knows no streams, and would claim what they poll.
DROP INDEX deliveries_leased;
CREATE INDEX deliveries_lent ON deliveries (lease_until) WHERE lease_until IS NOT NULL;
