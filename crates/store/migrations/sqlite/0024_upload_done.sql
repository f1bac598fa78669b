-- An upload whose file came into its draft is remembered for a while: the answer that said so may be lost.
ALTER TABLE attachment_upload ADD COLUMN place INTEGER;
