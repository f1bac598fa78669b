//! Versioned documents between nodes: canonical bytes, limits, parsing into model types.
