-- The written reasons people gave when they looked at a person or asked about one, to be looked at afterwards by another.
CREATE TABLE justification (
    id BYTEA NOT NULL PRIMARY KEY,
    officer BYTEA NOT NULL,
    case_id BYTEA NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    did TEXT COLLATE "C" NOT NULL,
    object BYTEA NOT NULL,
    at BIGINT NOT NULL,
    likeness TEXT COLLATE "C",
    drawn_at BIGINT,
    finding TEXT COLLATE "C",
    judged_by BYTEA,
    judged_at BIGINT,
    content BYTEA NOT NULL
);
CREATE INDEX justification_at ON justification (at);
CREATE INDEX justification_object ON justification (object);
