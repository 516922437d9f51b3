-- A stream is the receiver with the name `stream:` and its id; `receiver` is the id of that row.
CREATE TABLE streams (
    receiver bigint PRIMARY KEY,
    id text COLLATE "C" NOT NULL UNIQUE,
    owner text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    status text NOT NULL,
    polled boolean NOT NULL,
    events text NOT NULL,                 -- JSON
    all_subjects boolean NOT NULL,
    configuration bytea NOT NULL
);
CREATE INDEX streams_owner ON streams (owner, id);

-- Which streams get an event: those that are not disabled.
CREATE TABLE stream_events (
    event text COLLATE "C" NOT NULL,
    all_subjects boolean NOT NULL,
    receiver bigint NOT NULL,
    PRIMARY KEY (receiver, event)
);
CREATE INDEX stream_events_general ON stream_events (event, receiver) WHERE all_subjects;

-- Subjects that a stream wants or does not want, where that is not its default: each has a row for each of its keys.
CREATE TABLE stream_subjects (
    receiver bigint NOT NULL,
    subject bytea NOT NULL,               -- its identity
    key bytea NOT NULL,
    shape text COLLATE "C" NOT NULL,
    wanted boolean NOT NULL,
    PRIMARY KEY (receiver, subject, key)
);
CREATE INDEX stream_subjects_key ON stream_subjects (wanted, shape, key, receiver);

-- How deliveries go; null where a worker sends.
ALTER TABLE receivers ADD COLUMN mode text;

-- In flight, `wait` is 3 for what a receiver was given that polls. A poll asks for its own.
CREATE INDEX deliveries_polled ON deliveries (receiver, lease_until) WHERE wait = 3;
CREATE INDEX deliveries_due_of ON deliveries (receiver, due_at) WHERE wait = 1;

-- An older version of the library does not know `mode`. Workers of it are kept from what they must not send.
CREATE FUNCTION keep_from_workers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.turn := NULL;
    NEW.parked_until := NULL;
    RETURN NEW;
END
$$;
CREATE TRIGGER receivers_mode BEFORE UPDATE ON receivers
    FOR EACH ROW WHEN (NEW.mode IS NOT NULL AND (NEW.turn IS NOT NULL OR NEW.parked_until IS NOT NULL))
    EXECUTE FUNCTION keep_from_workers();
