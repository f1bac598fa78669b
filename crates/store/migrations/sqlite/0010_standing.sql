-- Standing checks: a question that stays with the asked side under a warrant, on both sides of it; and what it hit.
CREATE TABLE check_standing (
    check_id BLOB NOT NULL,
    direction TEXT NOT NULL,
    partner TEXT NOT NULL,
    agreement BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL,
    reference TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    first_person BLOB NOT NULL,
    second_person BLOB,
    next_reference TEXT,
    next_ends_at INTEGER,
    next_until_at INTEGER,
    next_first BLOB,
    next_second BLOB,
    content BLOB,
    version INTEGER NOT NULL,
    PRIMARY KEY (check_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_standing_partner ON check_standing (partner, direction, state, check_id);

CREATE TABLE check_standing_hit (
    check_id BLOB NOT NULL,
    half BLOB NOT NULL,
    handle BLOB NOT NULL,
    PRIMARY KEY (check_id, half)
) STRICT, WITHOUT ROWID;
