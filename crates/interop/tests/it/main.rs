//! The consolidated list: a small invented one with every variant, hostile ones, and the real one where it
//! lies beside the repository.

#![expect(
    clippy::expect_used,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests may panic: that is how they fail"
)]

mod hostile;
mod un_list;
mod walker;
