-- Deconfliction of planned actions: plans of this node, questions about plans asked and received, and what met.
CREATE TABLE check_plan (
    id BYTEA NOT NULL,
    agreement BYTEA NOT NULL,
    case_id BYTEA NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    author BYTEA NOT NULL,
    authoriser BYTEA,
    state TEXT COLLATE "C" NOT NULL,
    until_at BIGINT NOT NULL,
    over_at BIGINT,
    content BYTEA,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX check_plan_agreement ON check_plan (agreement, state, until_at);
CREATE INDEX check_plan_case ON check_plan (case_id, until_at);
CREATE INDEX check_plan_state ON check_plan (state, until_at);

CREATE TABLE check_plan_ask (
    id BYTEA NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    plan BYTEA,
    state TEXT COLLATE "C" NOT NULL,
    outcome TEXT COLLATE "C",
    digest BYTEA NOT NULL,
    asked_at BIGINT NOT NULL,
    answer BYTEA,
    content BYTEA,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX check_plan_ask_partner ON check_plan_ask (partner, direction, state, id);
CREATE INDEX check_plan_ask_plan ON check_plan_ask (plan, partner, id);
CREATE INDEX check_plan_ask_state ON check_plan_ask (direction, state, asked_at);

CREATE TABLE check_conflict (
    ask BYTEA NOT NULL,
    plan BYTEA NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    met_at BIGINT NOT NULL,
    content BYTEA,
    PRIMARY KEY (ask, plan)
);
CREATE INDEX check_conflict_plan ON check_conflict (plan, ask);
