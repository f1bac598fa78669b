//! Append-only Merkle log: leaves, tiles, checkpoints, signed notes, inclusion and consistency proofs.
