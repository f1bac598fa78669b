//! Seal, open and countersign: keys behind a narrow trait.
