-- Standing checks: a question that stays with the asked side under a warrant, on both sides of it; and what it hit.
CREATE TABLE check_standing (
    check_id BYTEA NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    epoch BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    reference TEXT COLLATE "C" NOT NULL,
    ends_at BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    first_person BYTEA NOT NULL,
    second_person BYTEA,
    next_reference TEXT COLLATE "C",
    next_ends_at BIGINT,
    next_until_at BIGINT,
    next_first BYTEA,
    next_second BYTEA,
    content BYTEA,
    version BIGINT NOT NULL,
    PRIMARY KEY (check_id)
);
CREATE INDEX check_standing_partner ON check_standing (partner, direction, state, check_id);

CREATE TABLE check_standing_hit (
    check_id BYTEA NOT NULL,
    half BYTEA NOT NULL,
    handle BYTEA NOT NULL,
    PRIMARY KEY (check_id, half)
);
