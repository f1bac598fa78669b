//! One function per intent of a person or a partner; where authorise, decide, store and log meet.
