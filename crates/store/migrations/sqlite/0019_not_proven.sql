-- Who was told that a holder did not prove an erasure in time: 0 nobody, 1 the data-protection officer, 2 oversight.
ALTER TABLE disclosure ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0;
ALTER TABLE onward_copy ADD COLUMN escalated INTEGER NOT NULL DEFAULT 0;
CREATE INDEX onward_copy_answer ON onward_copy (answer_by) WHERE answer_by IS NOT NULL;
