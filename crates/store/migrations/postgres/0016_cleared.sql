-- "Not that person": pairs that a person compared and found to be two people are no hit again.
CREATE TABLE check_cleared (
    handle BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    agreement BYTEA NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    facts BYTEA NOT NULL,
    until_at BIGINT NOT NULL,
    PRIMARY KEY (handle, subject)
);
CREATE INDEX check_cleared_subject ON check_cleared (subject, handle);
CREATE INDEX check_cleared_until ON check_cleared (until_at, handle);

-- What the asking side said was cleared: a question that stays does not hit it either.
ALTER TABLE check_query ADD COLUMN cleared BYTEA;
