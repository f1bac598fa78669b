-- By when a recipient's receipt for a correction or an earlier last day is owed.
ALTER TABLE disclosure ADD COLUMN confirm_by BIGINT;
CREATE INDEX disclosure_confirm ON disclosure (confirm_by) WHERE confirm_by IS NOT NULL;
