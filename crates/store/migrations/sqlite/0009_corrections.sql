-- Corrections of what was passed on: who sent a copy, and which consent a later one follows.
ALTER TABLE onward_consent ADD COLUMN sender BLOB;
ALTER TABLE onward_consent ADD COLUMN sender_role TEXT;
ALTER TABLE onward_consent ADD COLUMN follows BLOB;
