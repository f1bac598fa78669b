-- The private check: keys of epochs, tag sets, checks asked and received, their candidates, budgets.
CREATE TABLE check_epoch (
    agreement BLOB NOT NULL,
    partner TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER NOT NULL,
    content BLOB,
    PRIMARY KEY (agreement, partner, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE check_set (
    agreement BLOB NOT NULL,
    partner TEXT NOT NULL,
    own INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    valid_to INTEGER NOT NULL,
    subjects INTEGER NOT NULL,
    built_at INTEGER NOT NULL,
    digest BLOB NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (agreement, partner, own)
) STRICT;

CREATE TABLE check_query (
    id BLOB NOT NULL,
    direction TEXT NOT NULL,
    partner TEXT NOT NULL,
    agreement BLOB NOT NULL,
    case_id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    class TEXT NOT NULL,
    officer BLOB NOT NULL,
    author BLOB,
    authoriser BLOB,
    warrant TEXT,
    subjects INTEGER NOT NULL,
    queries INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    commitment BLOB,
    digest BLOB,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    answer BLOB,
    claims BLOB,
    handles BLOB,
    content BLOB,
    hits INTEGER NOT NULL,
    confirmed INTEGER NOT NULL,
    rejected INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_query_state ON check_query (direction, state, id);
CREATE INDEX check_query_ended ON check_query (ended_at, id) WHERE ended_at IS NOT NULL;

CREATE TABLE check_subject (
    check_id BLOB NOT NULL,
    subject BLOB NOT NULL,
    strength TEXT,
    PRIMARY KEY (check_id, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_subject_subject ON check_subject (subject, check_id);

CREATE TABLE check_candidate (
    check_id BLOB NOT NULL,
    handle BLOB NOT NULL,
    subject BLOB NOT NULL,
    strength TEXT NOT NULL,
    stage TEXT NOT NULL,
    ours TEXT,
    ours_by BLOB,
    theirs TEXT,
    due_at INTEGER,
    ours_out TEXT,
    theirs_out TEXT,
    report BLOB,
    ground TEXT,
    compared INTEGER NOT NULL,
    told INTEGER NOT NULL,
    content BLOB,
    since INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (check_id, handle)
) STRICT, WITHOUT ROWID;

CREATE TABLE check_budget (
    agreement BLOB NOT NULL,
    partner TEXT NOT NULL,
    own INTEGER NOT NULL,
    day INTEGER NOT NULL,
    kind TEXT NOT NULL,
    who BLOB NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (agreement, partner, own, day, kind, who)
) STRICT, WITHOUT ROWID;
