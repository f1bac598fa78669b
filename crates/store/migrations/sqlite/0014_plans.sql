-- Deconfliction of planned actions: plans of this node, questions about plans asked and received, and what met.
CREATE TABLE check_plan (
    id BLOB NOT NULL,
    agreement BLOB NOT NULL,
    case_id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    author BLOB NOT NULL,
    authoriser BLOB,
    state TEXT NOT NULL,
    until_at INTEGER NOT NULL,
    over_at INTEGER,
    content BLOB,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_plan_agreement ON check_plan (agreement, state, until_at);
CREATE INDEX check_plan_case ON check_plan (case_id, until_at);
CREATE INDEX check_plan_state ON check_plan (state, until_at);

CREATE TABLE check_plan_ask (
    id BLOB NOT NULL,
    direction TEXT NOT NULL,
    partner TEXT NOT NULL,
    agreement BLOB NOT NULL,
    plan BLOB,
    state TEXT NOT NULL,
    outcome TEXT,
    digest BLOB NOT NULL,
    asked_at INTEGER NOT NULL,
    answer BLOB,
    content BLOB,
    version INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_plan_ask_partner ON check_plan_ask (partner, direction, state, id);
CREATE INDEX check_plan_ask_plan ON check_plan_ask (plan, partner, id);
CREATE INDEX check_plan_ask_state ON check_plan_ask (direction, state, asked_at);

CREATE TABLE check_conflict (
    ask BLOB NOT NULL,
    plan BLOB NOT NULL,
    partner TEXT NOT NULL,
    met_at INTEGER NOT NULL,
    content BLOB,
    PRIMARY KEY (ask, plan)
) STRICT, WITHOUT ROWID;
CREATE INDEX check_conflict_plan ON check_conflict (plan, ask);
