//! `mithaq backup` and `mithaq restore`: copies of a node's database and the way back. What a restore means for partners
//! is told, not hidden.

use std::path::PathBuf;

use clap::Args;
use mithaq_node::backup::{self, Attachments, Label};
use serde_json::json;

use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// Directory of the node; it may be running
    #[arg(required_unless_present = "check")]
    dir: Option<PathBuf>,
    /// New directory for the copy; it must not exist
    #[arg(required_unless_present = "check")]
    out: Option<PathBuf>,
    /// Leave the bytes of attachments out: partners give theirs again after a restore, this node's own are lost
    #[arg(long)]
    no_attachments: bool,
    /// Make none; check a copy instead: its directory, a database file, or `postgres://…`
    #[arg(long, value_name = "COPY", conflicts_with_all = ["dir", "out"])]
    check: Option<String>,
    /// With `--check`: directory of the node, to open the contents of the copy with its keys too
    #[arg(long, value_name = "DIR", requires = "check")]
    keys_of: Option<PathBuf>,
}

pub(crate) fn backup(args: &BackupArgs, ui: Ui) -> Result<(), Failure> {
    let failed = |error: anyhow::Error| Failure::new(Exit::Failed, "backup.failed", format!("{error:#}"));
    let (label, place) = match (&args.check, &args.dir, &args.out) {
        (Some(copy), _, _) => (
            backup::check(copy, args.keys_of.as_deref())
                .map_err(|error| Failure::new(Exit::NotVerified, "backup.unsound", format!("{error:#}")))?,
            copy.clone(),
        ),
        (None, Some(dir), Some(out)) => {
            ui.say("copying, then computing the log of the copy anew");
            let attachments = if args.no_attachments { Attachments::LeaveOut } else { Attachments::Copy };
            (backup::backup(dir, out, attachments).map_err(failed)?, out.display().to_string())
        }
        (None, _, _) => {
            return Err(Failure::new(Exit::Usage, "backup.usage", "give DIR and OUT, or --check COPY"));
        }
    };
    ui.result(&json!({ "copy": place, "label": shown(&label) }), &[
        format!("sound: {place}"),
        format!("  {} entries of {}, {} of them under a checkpoint", label.entries, label.log, label.signed),
        contents_line(&label),
        format!("  sha256 {}", label.sha256),
        format!(
            "  {} attachments, {} bytes; {} not in the copy",
            label.attachments, label.attachment_bytes, label.attachments_missing
        ),
        "  keep the key file and what unlocks it elsewhere: neither is in the copy, and without them it cannot be read"
            .to_owned(),
    ])
}

fn contents_line(label: &Label) -> String {
    label.contents.map_or_else(
        || "  envelopes match their hashes; the keys were not at hand to open contents: --check COPY --keys-of DIR".to_owned(),
        |contents| format!("  envelopes match their hashes, {contents} contents open with the node's keys"),
    )
}

fn shown(label: &Label) -> serde_json::Value {
    json!({ "party": label.party, "log": label.log, "entries": label.entries, "signed": label.signed,
        "sha256": label.sha256, "made_at": label.made_at, "contents": label.contents, "attachments": label.attachments,
        "attachment_bytes": label.attachment_bytes, "attachments_missing": label.attachments_missing })
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// Directory of the node, with its configuration and keys; it must not be running
    dir: PathBuf,
    /// Copy to put in place: the directory `mithaq backup` made, or a database file. Without it the database in place is
    /// taken for the copy: one that came back with its machine, or that a server restored
    copy: Option<PathBuf>,
    /// Yes: this node lost what it signed since the copy was made, and its partners will be told
    #[arg(long, required_unless_present = "erase_put_aside")]
    i_know_what_is_lost: bool,
    /// Restore nothing; remove what earlier restores put aside, in which erased reports may still be. The node may run
    #[arg(long, conflicts_with_all = ["copy", "i_know_what_is_lost"])]
    erase_put_aside: bool,
}

pub(crate) fn restore(args: &RestoreArgs, ui: Ui) -> Result<(), Failure> {
    if args.erase_put_aside {
        return erase_put_aside(&args.dir, ui);
    }
    let done = backup::restore(&args.dir, args.copy.as_deref()).map_err(|error| {
        Failure::new(Exit::Failed, "restore.failed", format!("{error:#}"))
            .hint("stop every copy of this node first; check the copy with `mithaq backup --check`")
    })?;
    let restored = &done.restored;
    let mut lines = vec![
        format!(
            "the log {} ends at {} entries here; what came after is lost on this node",
            restored.before, restored.before_size
        ),
        format!("  it is continued by {}, whose first entry says so", restored.log),
        format!("  {} lanes begin a new epoch once their partner was heard", restored.lanes),
        "  nothing of a partner is shown until its orders were taken again".to_owned(),
    ];
    if let Some(aside) = &done.aside {
        lines.push(format!("  what was in place is kept in {}", aside.display()));
        lines.push(format!(
            "    what was erased since may be in it; when it is needed no more: mithaq restore {} --erase-put-aside",
            args.dir.display()
        ));
    }
    if let Some(damage) = &done.damage {
        lines.push(format!("  the copy is damaged, these rows cannot be read: {damage}"));
    }
    if done.attachments_missing > 0 {
        lines.push(format!(
            "  {} attachments are not here: partners' are fetched again, this node's own are lost",
            done.attachments_missing
        ));
    }
    lines.push(format!("next: mithaq serve {}", args.dir.display()));
    let json = json!({ "before": restored.before, "before_size": restored.before_size, "log": restored.log,
        "lanes": restored.lanes, "aside": done.aside, "damage": done.damage,
        "attachments_missing": done.attachments_missing });
    ui.result(&json, &lines)
}

/// Removes what restores left of the database and the attachments before them.
fn erase_put_aside(dir: &std::path::Path, ui: Ui) -> Result<(), Failure> {
    let gone = backup::erase_put_aside(dir)
        .map_err(|error| Failure::new(Exit::Failed, "restore.put_aside", format!("{error:#}")))?;
    let paths: Vec<String> = gone.iter().map(|one| one.path.display().to_string()).collect();
    let lines: Vec<String> = if paths.is_empty() {
        vec!["nothing is put aside".to_owned()]
    } else {
        paths.iter().map(|path| format!("removed {path}")).collect()
    };
    ui.result(&json!({ "removed": paths }), &lines)
}
