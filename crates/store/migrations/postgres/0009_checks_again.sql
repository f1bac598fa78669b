-- Private checks: one question to several partners shares a number, on this node alone; and what a request said it was
-- made at, from which it is made again after a restart.
ALTER TABLE check_query ADD COLUMN joint BYTEA;
ALTER TABLE check_query ADD COLUMN asked_at BIGINT;
CREATE INDEX check_query_joint ON check_query (joint, partner, id) WHERE joint IS NOT NULL;
