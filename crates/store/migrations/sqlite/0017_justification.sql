-- The written reasons people gave when they looked at a person or asked about one, to be looked at afterwards by another.
CREATE TABLE justification (
    id BLOB NOT NULL PRIMARY KEY,
    officer BLOB NOT NULL,
    case_id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    did TEXT NOT NULL,
    object BLOB NOT NULL,
    at INTEGER NOT NULL,
    likeness TEXT,
    drawn_at INTEGER,
    finding TEXT,
    judged_by BLOB,
    judged_at INTEGER,
    content BLOB NOT NULL
) STRICT;
CREATE INDEX justification_at ON justification (at);
CREATE INDEX justification_object ON justification (object);
