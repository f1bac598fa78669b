//! A disk that loses, tears and refuses what SQLite writes, replayed from one number.
//!
//! Responsible for: a layer under SQLite ([`install`]) that sees every write, truncation and flush;
//! a model of what would be left if the power failed at any of them ([`Watch::cut_at`]); errors of
//! the disk at a chosen operation ([`Watch::fail_at`]); and workloads over the real `db` and
//! `store` with the judgement of what they left ([`rows`], [`subjects`], [`erasing`]).
//!
//! Deliberately does not: fail the operating system's own calls (a real disk also fails `open` and
//! `mmap`), model a disk that says "flushed" and lies, or test PostgreSQL, whose disk is its own.
//!
//! What a disk may do when the power fails, as SQLite's authors state it
//! (<https://www.sqlite.org/atomiccommit.html>, "Hardware Assumptions"): every write since the last
//! successful flush of its file is there, is not there, or is there in part, sector by sector, in
//! any order. A write does not harm the sectors beside it ("powersafe overwrite").
#![deny(missing_docs)]

mod disk;
pub mod erasing;
pub mod rows;
mod run;
mod shim;
pub mod subjects;

pub use disk::{Fault, Image, Watch, watch};
pub use run::Tally;
pub use shim::{Installed, install};
