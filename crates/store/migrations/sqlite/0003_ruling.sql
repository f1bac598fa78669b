-- What people decided about rights, each with a written reason: clearances, quarantine, lives at risk.
CREATE TABLE ruling (
    object BLOB NOT NULL,
    version INTEGER NOT NULL,
    matter TEXT NOT NULL,
    subject BLOB NOT NULL,
    officer BLOB NOT NULL,
    id BLOB NOT NULL,
    role TEXT NOT NULL,
    says TEXT NOT NULL,
    hash BLOB NOT NULL,
    at INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (object, version, matter, subject, officer)
) STRICT;
CREATE INDEX ruling_matter ON ruling (matter, at);
