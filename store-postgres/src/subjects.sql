-- How many subjects a stream has kept: a limit of them asks for the count with each new one.
ALTER TABLE streams ADD COLUMN subjects bigint NOT NULL DEFAULT 0;
UPDATE streams SET subjects = (SELECT count(DISTINCT subject) FROM stream_subjects s WHERE s.receiver = streams.receiver);

-- When the stream was deleted that a receiver stood for. The receiver goes once all of its deliveries were kept long enough.
ALTER TABLE receivers ADD COLUMN deleted_at bigint;
CREATE INDEX receivers_deleted ON receivers (deleted_at) WHERE deleted_at IS NOT NULL;
UPDATE receivers r SET deleted_at = 0
WHERE starts_with(r.name, 'stream:') AND NOT EXISTS (SELECT FROM streams s WHERE s.receiver = r.id);
