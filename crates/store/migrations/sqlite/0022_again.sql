-- What a partner lost and gets again: its second verdict about one of these places does not accuse it.
ALTER TABLE lane_out ADD COLUMN again_after_epoch INTEGER;
ALTER TABLE lane_out ADD COLUMN again_after_seq INTEGER;
ALTER TABLE lane_out ADD COLUMN again_to_epoch INTEGER;
ALTER TABLE lane_out ADD COLUMN again_to_seq INTEGER;
