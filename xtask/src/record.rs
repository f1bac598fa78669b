//! `cargo xtask record NAME`: records a conversation of this version for `docs/spec/vectors/recorded`. A record that is there
//! stays as it is: it says what was sent.

use crate::shell;
use crate::workspace::Workspace;
use anyhow::{Result, bail};

/// Options of `cargo xtask record`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Name of the record: the version that is released
    name: String,
}

/// The test that records, and then gives what it recorded to nodes that know nothing of it.
const TEST: &str = "recorded::a_conversation_is_recorded_and_nodes_that_know_nothing_of_it_take_it";

/// Writes a new record.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if options.name.is_empty() || !options.name.chars().all(plain) {
        bail!("`{}` is no name: letters, digits, `.` and `-`", options.name);
    }
    let path = workspace.root.join(format!("docs/spec/vectors/recorded/{}.json", options.name));
    if path.exists() {
        bail!("`{}` is there and is never made again: give the new record another name", path.display());
    }
    let test = ["test", "--quiet", "-p", "mithaq-app", "--test", "it", "--", "--exact", TEST];
    shell::run(shell::cargo(&workspace.root, &test).env("MITHAQ_RECORD", &path))?;
    println!("wrote {}", path.display());
    Ok(())
}
