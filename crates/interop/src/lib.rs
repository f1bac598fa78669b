//! Foreign formats: mapping into model types with a report of what was not carried.
