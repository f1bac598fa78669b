-- Legal and oversight holds: what is in one of these cases, or one of these reports, is neither disclosed nor erased by
-- the passing of time.
CREATE TABLE hold (
    object BLOB NOT NULL,
    officer BLOB NOT NULL,
    scope TEXT NOT NULL,
    role TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (object, officer)
) STRICT;
