//! The `mithaq` command.
fn main() {}
