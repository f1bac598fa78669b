//! `mithaq verify`: checks an evidence bundle offline, with no node and no key of ours. The verifier brings
//! the public keys it trusts, from a printed agreement or from a partner; the bundle proves itself against them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use mithaq_ledger::{BundleError, Opening, Trust, VerifiedBundle, VerifierKey, verify_bundle};
use mithaq_model::Timestamp;
use serde_json::json;

use crate::ui::{Exit, Failure, Ui};

/// Bundles larger than this are refused: they would not fit in memory.
const BUNDLE_MAX: u64 = 4 * 1024 * 1024 * 1024;

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Evidence bundle (`.mxe`) to check
    bundle: PathBuf,
    /// Verifier key of the log, as its party publishes it (`name+id+key`); repeat for several
    #[arg(long = "log", required = true, value_name = "KEY")]
    logs: Vec<String>,
    /// Verifier key of a partner that countersigns; repeat for several
    #[arg(long = "witness", value_name = "KEY")]
    witnesses: Vec<String>,
    /// How many different witnesses must have countersigned
    #[arg(long, default_value_t = 0, value_name = "N")]
    quorum: usize,
    /// Refuse a bundle that leaves out any entry up to its last checkpoint
    #[arg(long)]
    complete: bool,
    /// List the entries too
    #[arg(long)]
    entries: bool,
}

pub(crate) fn run(args: &VerifyArgs, ui: Ui) -> Result<(), Failure> {
    let bytes = read(&args.bundle)?;
    let logs = keys(&args.logs)?;
    let witnesses = keys(&args.witnesses)?;
    let trust = Trust { logs: &logs, witnesses: &witnesses, quorum: args.quorum, required: &[] };
    let started = std::time::Instant::now();
    let verified = verify_bundle(&bytes, &trust).map_err(|error| refused(&error))?;
    let spent = started.elapsed();
    if args.complete && !verified.is_complete() {
        return Err(Failure::new(Exit::NotVerified, "verify.incomplete", "the bundle leaves entries out")
            .hint("ask for a complete export: `mithaq evidence export --all`"));
    }
    report(&verified, args, ui, spent)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::Usage, "verify.unreadable", format!("cannot read `{}`: {error}", path.display()))
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > BUNDLE_MAX {
        return Err(Failure::new(Exit::Usage, "verify.too_large", "the bundle is larger than 4 GiB"));
    }
    std::fs::read(path).map_err(unreadable)
}

fn keys(texts: &[String]) -> Result<Vec<VerifierKey>, Failure> {
    let parse = |text: &String| {
        text.parse().map_err(|error| {
            Failure::new(Exit::Usage, "verify.key", format!("`{text}` is no verifier key: {error}"))
                .hint("a verifier key looks like `ma-security/log+b975b7f0+AYqI…`; its party publishes it")
        })
    };
    texts.iter().map(parse).collect()
}

fn refused(error: &BundleError) -> Failure {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    Failure::new(Exit::NotVerified, "verify.refused", text)
        .hint("ask the party that exported it for the bundle again; if it is refused again, tell your oversight body")
}

fn report(
    verified: &VerifiedBundle<'_>,
    args: &VerifyArgs,
    ui: Ui,
    spent: std::time::Duration,
) -> Result<(), Failure> {
    let anchor = verified.anchor();
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut listed = Vec::new();
    for (index, entry) in verified.segments().iter().flat_map(|segment| segment.entries()) {
        *kinds.entry(entry.kind.as_str()).or_default() += 1;
        if args.entries {
            listed.push(line(index, &entry));
        }
    }
    let cosigners: Vec<String> =
        anchor.cosigners().iter().map(|c| format!("{} at {}", c.key.name(), seconds(c.at_s))).collect();
    let opened = verified.openings().iter().filter(|o| matches!(o.opening, Opening::Content(_))).count();
    let json = json!({
        "verified": true,
        "origin": verified.origin().as_str(),
        "size": anchor.checkpoint().size(),
        "root": anchor.checkpoint().root().to_string(),
        "entries": verified.entry_count(),
        "complete": verified.is_complete(),
        "countersigned_by": cosigners,
        "openings": verified.openings().len(),
        "kinds": kinds,
        "listed": listed,
        "milliseconds": spent.as_millis(),
    });
    let mut lines = vec![
        format!("verified: {} entries of the log `{}`", verified.entry_count(), verified.origin()),
        format!("  log size {}, root {}", anchor.checkpoint().size(), anchor.checkpoint().root()),
        format!("  complete: {}", if verified.is_complete() { "yes, nothing was left out" } else { "no" }),
        format!(
            "  countersigned: {}",
            if cosigners.is_empty() { "by nobody you named".to_owned() } else { cosigners.join(", ") }
        ),
        format!("  contents shown and matching their commitments: {opened}"),
    ];
    lines.extend(kinds.iter().map(|(kind, count)| format!("  {count:>8}  {kind}")));
    lines.extend(listed);
    ui.result(&json, &lines)
}

fn line(index: u64, entry: &mithaq_ledger::Entry<'_>) -> String {
    let party = entry.counterparty.map_or("-", |id| id.as_str());
    let verdict = entry.verdict.map_or("-", |id| id.as_str());
    let at = Timestamp::from_millis(entry.at_ms);
    format!(
        "{index:>8}  {at}  {:<24} {:<12} {} {party} {verdict}",
        entry.kind.as_str(),
        entry.role.as_str(),
        entry.object.as_str()
    )
}

fn seconds(at_s: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(at_s).unwrap_or(i64::MAX).saturating_mul(1_000))
}
