-- "Not that person": pairs that a person compared and found to be two people are no hit again.
CREATE TABLE check_cleared (
    handle BLOB NOT NULL,
    subject BLOB NOT NULL,
    agreement BLOB NOT NULL,
    partner TEXT NOT NULL,
    facts BLOB NOT NULL,
    until_at INTEGER NOT NULL,
    PRIMARY KEY (handle, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_cleared_subject ON check_cleared (subject, handle);
CREATE INDEX check_cleared_until ON check_cleared (until_at, handle);

-- What the asking side said was cleared: a question that stays does not hit it either.
ALTER TABLE check_query ADD COLUMN cleared BLOB;
