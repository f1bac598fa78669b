-- Legal and oversight holds: what is in one of these cases, or one of these reports, is neither disclosed nor erased by
-- the passing of time.
CREATE TABLE hold (
    object BYTEA NOT NULL,
    officer BYTEA NOT NULL,
    scope TEXT COLLATE "C" NOT NULL,
    role TEXT COLLATE "C" NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (object, officer)
);
