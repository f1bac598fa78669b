//! Ledger entries verified per second, offline, from a bundle that a node exported: what `mithaq verify` does, over and
//! over, on one core.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use hyper::Method;
use mithaq_ledger::{Trust, VerifierKey, verify_bundle};
use serde_json::json;

use super::machine::Machine;
use super::result::{Goal, Outcome};
use super::stage::Stage;
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// At least so many entries; each report written and approved makes four
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    entries: usize,
    /// Put the node here and leave it, instead of in a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// How long verifying is repeated.
const SPAN: Duration = Duration::from_secs(5);

pub(crate) fn run(args: &VerifyArgs, ui: Ui) -> Result<(), Failure> {
    super::block_on(async {
        let place = args.dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut outcome = Outcome::new("verify", Machine::look(&place));
        ui.say(&format!("a node writes {} entries into its ledger", args.entries));
        let stage = Stage::pair(args.dir.as_deref(), args.entries.div_ceil(4), 100).await?;
        let key: VerifierKey = stage.fleet.node(0)?.log_key.parse().map_err(anyhow::Error::from)?;
        let oversight = stage.fleet.api(0, "oversight")?;
        let body = json!({ "extent": "all" }).to_string().into_bytes();
        let started = Instant::now();
        let bundle = oversight.bytes(Method::POST, "/api/v1/evidence", "application/json", body).await?;
        let exported = started.elapsed();
        drop(stage);
        ui.say(&format!("verifying {} MiB for {} s", bundle.len() >> 20, SPAN.as_secs()));
        let (rounds, entries, spent) = tokio::task::block_in_place(|| repeat(&bundle, &key))?;
        let total = f64::from(u32::try_from(entries * rounds).unwrap_or(u32::MAX));
        let goal = Goal::AtLeast { reach: 200_000.0, aim: 500_000.0 };
        outcome.number("ledger entries verified offline, one core", total / spent.as_secs_f64(), "/s", goal);
        outcome.number(
            "export of that bundle, verified by the node",
            exported.as_secs_f64(),
            "s",
            Goal::None,
        );
        outcome.note(format!(
            "a complete bundle of {entries} entries and {} bytes, its commitments opened; {rounds} rounds",
            bundle.len()
        ));
        outcome.print(ui)
    })
}

fn repeat(bundle: &[u8], key: &VerifierKey) -> Result<(u64, u64, Duration), Failure> {
    let keys = [key.clone()];
    let (started, mut rounds, mut entries) = (Instant::now(), 0, 0);
    while started.elapsed() < SPAN {
        let verified = verify_bundle(bundle, &Trust::logs_only(&keys))
            .map_err(|error| Failure::new(Exit::NotVerified, "bench.verify", error.to_string()))?;
        if !verified.is_complete() {
            return Err(Failure::new(Exit::NotVerified, "bench.verify", "the bundle is not complete"));
        }
        entries = verified.entry_count();
        rounds += 1;
    }
    Ok((rounds, entries, started.elapsed()))
}
