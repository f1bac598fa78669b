-- What a partner lost and gets again: its second verdict about one of these places does not accuse it.
ALTER TABLE lane_out ADD COLUMN again_after_epoch BIGINT;
ALTER TABLE lane_out ADD COLUMN again_after_seq BIGINT;
ALTER TABLE lane_out ADD COLUMN again_to_epoch BIGINT;
ALTER TABLE lane_out ADD COLUMN again_to_seq BIGINT;
