//! The release decision seen from outside: each step, each limit, and the laws of the whole.

mod laws;
mod steps;
