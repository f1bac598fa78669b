-- Requests for information: where each stands, what was said about it, what answers it.
CREATE TABLE request (
    id BYTEA NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    partner TEXT COLLATE "C" NOT NULL,
    agreement BYTEA NOT NULL,
    area TEXT COLLATE "C" NOT NULL,
    purpose TEXT COLLATE "C" NOT NULL,
    urgency TEXT COLLATE "C" NOT NULL,
    level TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    limit_ms BIGINT NOT NULL,
    direct BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    started_at BIGINT,
    stopped_at BIGINT,
    paused_ms BIGINT NOT NULL,
    delayed_until BIGINT,
    due_at BIGINT,
    questions BIGINT NOT NULL,
    escalation BIGINT NOT NULL,
    ended_at BIGINT,
    in_time BIGINT,
    ground TEXT COLLATE "C",
    useful BIGINT,
    accuracy BIGINT,
    version BIGINT NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX request_due ON request (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX request_state ON request (direction, state, id);

CREATE TABLE request_step (
    request BYTEA NOT NULL,
    id BYTEA NOT NULL,
    own BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    stored_at BIGINT,
    content BYTEA,
    PRIMARY KEY (request, id)
);
CREATE INDEX request_step_id ON request_step (id);

CREATE TABLE request_answer (
    request BYTEA NOT NULL,
    report BYTEA NOT NULL,
    part BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (request, report)
);
