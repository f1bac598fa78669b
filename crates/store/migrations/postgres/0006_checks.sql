-- The private check: keys of epochs, tag sets, checks asked and received, their candidates, budgets.
CREATE TABLE check_epoch (
    agreement BYTEA NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    epoch BIGINT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_to BIGINT NOT NULL,
    content BYTEA,
    PRIMARY KEY (agreement, partner, epoch)
);

CREATE TABLE check_set (
    agreement BYTEA NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    own BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    number BIGINT NOT NULL,
    valid_to BIGINT NOT NULL,
    subjects BIGINT NOT NULL,
    built_at BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (agreement, partner, own)
);

CREATE TABLE check_query (
    id BYTEA NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    case_id BYTEA NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    class TEXT COLLATE "C" NOT NULL,
    officer BYTEA NOT NULL,
    author BYTEA,
    authoriser BYTEA,
    warrant TEXT COLLATE "C",
    subjects BIGINT NOT NULL,
    queries BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C",
    commitment BYTEA,
    digest BYTEA,
    created_at BIGINT NOT NULL,
    ended_at BIGINT,
    answer BYTEA,
    claims BYTEA,
    handles BYTEA,
    content BYTEA,
    hits BIGINT NOT NULL,
    confirmed BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX check_query_state ON check_query (direction, state, id);
CREATE INDEX check_query_ended ON check_query (ended_at, id) WHERE ended_at IS NOT NULL;

CREATE TABLE check_subject (
    check_id BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    strength TEXT COLLATE "C",
    PRIMARY KEY (check_id, subject)
);
CREATE INDEX check_subject_subject ON check_subject (subject, check_id);

CREATE TABLE check_candidate (
    check_id BYTEA NOT NULL,
    handle BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    strength TEXT COLLATE "C" NOT NULL,
    stage TEXT COLLATE "C" NOT NULL,
    ours TEXT COLLATE "C",
    ours_by BYTEA,
    theirs TEXT COLLATE "C",
    due_at BIGINT,
    ours_out TEXT COLLATE "C",
    theirs_out TEXT COLLATE "C",
    report BYTEA,
    ground TEXT COLLATE "C",
    compared BIGINT NOT NULL,
    told BIGINT NOT NULL,
    content BYTEA,
    since BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (check_id, handle)
);

CREATE TABLE check_budget (
    agreement BYTEA NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    own BIGINT NOT NULL,
    day BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    who BYTEA NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (agreement, partner, own, day, kind, who)
);
