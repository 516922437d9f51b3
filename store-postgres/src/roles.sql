-- Four roles with what their job needs and no more. Grant them to the accounts that log in, such as:
--     GRANT "{schema}_enqueue" TO app; GRANT "{schema}_work" TO sender; GRANT "{schema}_read" TO operator;
-- Run this after each migration, as the owner of the tables; it may be repeated.

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['{schema}_enqueue', '{schema}_host', '{schema}_work', '{schema}_read'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA "{schema}" TO "{schema}_enqueue", "{schema}_host", "{schema}_work", "{schema}_read";

-- Accepts entries. It cannot read what they say: `payload` and `claims`.
GRANT SELECT ON "{schema}".meta TO "{schema}_enqueue";
GRANT SELECT, INSERT, UPDATE ON "{schema}".receivers TO "{schema}_enqueue";
GRANT INSERT, SELECT (id, kept, event, subject, idempotency, fingerprint, jtis) ON "{schema}".events TO "{schema}_enqueue";
GRANT USAGE ON SEQUENCE "{schema}".events_id_seq TO "{schema}_enqueue";
GRANT INSERT, UPDATE,
    SELECT (seq, jti, event, receiver, state, wait, priority, enqueued_at, max_age, due_at, expires_at, lease_until, ended_at, token,
        attempts, uncertain, ordered, supersedes, superseded_by, code, failure)
    ON "{schema}".deliveries TO "{schema}_enqueue";

-- It publishes to streams, too: it sees which streams there are and which events they get, subjects as hashes, and no configuration.
GRANT SELECT ON "{schema}".stream_events, "{schema}".stream_subjects TO "{schema}_enqueue";
GRANT SELECT (receiver, id, owner, version, status, polled, events, all_subjects) ON "{schema}".streams TO "{schema}_enqueue";

-- Enqueues in transactions of its own, and sees nothing.
GRANT INSERT (entry) ON "{schema}".inbox TO "{schema}_host", "{schema}_enqueue";

-- Sends them, answers receivers that manage their streams or poll, and repairs: all rows, but not the tables themselves.
GRANT SELECT ON "{schema}".meta TO "{schema}_work";
GRANT SELECT, INSERT, UPDATE, DELETE
    ON "{schema}".receivers, "{schema}".events, "{schema}".deliveries, "{schema}".attempts TO "{schema}_work";
GRANT SELECT, INSERT, UPDATE, DELETE
    ON "{schema}".streams, "{schema}".stream_events, "{schema}".stream_subjects TO "{schema}_work";
GRANT SELECT, UPDATE, DELETE ON "{schema}".inbox TO "{schema}_work";
GRANT USAGE ON ALL SEQUENCES IN SCHEMA "{schema}" TO "{schema}_work";

-- Looks: counts, health, lists and histories. It changes nothing, and cannot read what entries say.
GRANT SELECT ON "{schema}".meta, "{schema}".receivers, "{schema}".attempts TO "{schema}_read";
GRANT SELECT (id, kept, event, subject, idempotency, fingerprint, jtis) ON "{schema}".events TO "{schema}_read";
GRANT SELECT (seq, jti, event, receiver, state, wait, priority, enqueued_at, max_age, due_at, expires_at, lease_until, ended_at, token,
        attempts, uncertain, ordered, supersedes, superseded_by, code, failure)
    ON "{schema}".deliveries TO "{schema}_read";
GRANT SELECT ON "{schema}".stream_events, "{schema}".stream_subjects TO "{schema}_read";
GRANT SELECT (receiver, id, owner, version, status, polled, events, all_subjects) ON "{schema}".streams TO "{schema}_read";
GRANT SELECT (id, at, refused_at, code) ON "{schema}".inbox TO "{schema}_read";
