//! The words of the field: ids, parties, subjects, claims, reports, grading, handling, purposes, time.
