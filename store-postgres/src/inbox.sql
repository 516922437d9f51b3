-- Entries that transactions of the host have inserted. A worker takes over what is committed; what it cannot accept stays, with the reason.
CREATE TABLE inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL DEFAULT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    entry text NOT NULL,                  -- JSON
    refused_at bigint,
    code text                             -- why
);
CREATE INDEX inbox_waiting ON inbox (id) WHERE refused_at IS NULL;
CREATE INDEX inbox_refused ON inbox (refused_at) WHERE refused_at IS NOT NULL;

-- The oldest version of the library that may use these tables beside this one: its statements mean the same in them.
INSERT INTO meta VALUES ('compatible', 1);
