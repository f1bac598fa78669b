-- By when the holder of a copy that went on should have the correction of it.
ALTER TABLE onward_copy ADD COLUMN confirm_by BIGINT;
CREATE INDEX onward_copy_confirm ON onward_copy (confirm_by) WHERE confirm_by IS NOT NULL;
