-- How many subjects a stream has kept: a limit of them asks for the count with each new one.
ALTER TABLE streams ADD COLUMN subjects INTEGER NOT NULL DEFAULT 0;
UPDATE streams SET subjects = (SELECT count(DISTINCT subject) FROM stream_subjects s WHERE s.receiver = streams.receiver);

-- Receivers of deleted streams of which nothing is kept. From this version on, they go with the last delivery.
DELETE FROM receivers WHERE substr(name, 1, 7) = 'stream:'
    AND NOT EXISTS (SELECT 1 FROM streams s WHERE s.receiver = receivers.id)
    AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.receiver = receivers.id);
