-- How many subjects a stream has kept: a limit of them asks for the count with each new one.
ALTER TABLE streams ADD COLUMN subjects INTEGER NOT NULL DEFAULT 0;
UPDATE streams SET subjects = (SELECT count(DISTINCT subject) FROM stream_subjects s WHERE s.receiver = streams.receiver);
