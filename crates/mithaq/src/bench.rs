//! `mithaq bench`: what this program does on this machine. Real nodes as processes of their own, in directories that
//! are thrown away, with invented persons. Each result says machine, disk, load and command, so that it can be
//! repeated; nothing here is a test, and no number is ever a reason to fail.

mod attachment;
mod canary;
mod check;
mod cluster;
mod decide;
mod dice;
mod due;
mod erase;
mod exchange;
mod goods;
mod idle;
mod ingest;
mod isolation;
mod kill;
mod machine;
mod percentile;
mod plug;
mod proxy;
mod result;
mod stage;
mod sync;
mod tables;
mod verify;

use clap::Subcommand;
use mithaq_node::stop_on_signal;
use tokio::sync::watch::Receiver;

use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Reports per second between two nodes: sealed, decided on both sides, durable, receipted
    Exchange(exchange::ExchangeArgs),
    /// A long attachment from node to node: bytes per second, and the memory of both
    Attachment(attachment::AttachmentArgs),
    /// Ledger entries verified offline per second, from an exported bundle
    Verify(verify::VerifyArgs),
    /// Time of one release decision
    Decide(decide::DecideArgs),
    /// Deletions per hour that the partner signed for, by recall or by their last day, and traces looked for on disk
    Erase(erase::EraseArgs),
    /// Subjects whose clock ends together: how fast they are erased, and what people wait for meanwhile
    Due(due::DueArgs),
    /// Memory of a node that has nothing to do
    Idle(idle::IdleArgs),
    /// Subjects written per second: validated, indexed, logged, durable
    Ingest(ingest::IngestArgs),
    /// What a slow or dead partner does to the receipts of another
    Isolation(isolation::IsolationArgs),
    /// Cost of a synchronisation that finds nothing new
    Sync(sync::SyncArgs),
    /// Kill nodes in the middle of their work, break their network, and judge what is left
    Kill(kill::KillArgs),
    /// Pull the plug on a whole demo at some moment, start its nodes again, and judge what is left
    Plug(plug::PlugArgs),
    /// Several processes of one node on a PostgreSQL with a standby: kill them, and judge what is left
    Cluster(cluster::ClusterArgs),
}

pub(crate) fn run(command: &BenchCommand, ui: Ui) -> Result<(), Failure> {
    match command {
        BenchCommand::Exchange(args) => exchange::run(args, ui),
        BenchCommand::Attachment(args) => attachment::run(args, ui),
        BenchCommand::Verify(args) => verify::run(args, ui),
        BenchCommand::Decide(args) => decide::run(args, ui),
        BenchCommand::Erase(args) => erase::run(args, ui),
        BenchCommand::Due(args) => due::run(args, ui),
        BenchCommand::Idle(args) => idle::run(args, ui),
        BenchCommand::Ingest(args) => ingest::run(args, ui),
        BenchCommand::Isolation(args) => isolation::run(args, ui),
        BenchCommand::Sync(args) => sync::run(args, ui),
        BenchCommand::Kill(args) => kill::run(args, ui),
        BenchCommand::Plug(args) => plug::run(args, ui),
        BenchCommand::Cluster(args) => cluster::run(args, ui),
    }
}

/// Runs on the runtime of a measurement: the clients' side only, the nodes have their own.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async { unless_stopped(stop_on_signal(), future).await })
}

/// Ends a measurement that is asked to: what is dropped takes its nodes and its directory with it.
async fn unless_stopped<T>(
    mut stop: Receiver<bool>,
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = future => done,
        Ok(_asked) = stop.wait_for(|stopped| *stopped) => {
            Err(Failure::new(Exit::Failed, "bench.stopped", "the measurement was stopped")
                .hint("its nodes are stopped, and its directory is gone unless you gave one; nothing was measured"))
        }
    }
}

/// Reads `150ms`, `2s` or `1.5s`.
fn span(text: &str) -> Result<std::time::Duration, String> {
    let wrong = || format!("`{text}` is no length of time; write `150ms` or `2s`");
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1.0),
    };
    let seconds = number.parse::<f64>().map_err(|_not_a_number| wrong())? * unit;
    if !(0.0..=3_600.0).contains(&seconds) {
        return Err(wrong());
    }
    Ok(std::time::Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_measurement_that_is_stopped_drops_what_it_holds() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (send, stop) = tokio::sync::watch::channel(false);
        let held = std::sync::Arc::new(());
        let guard = std::sync::Arc::clone(&held);
        let measuring = async move {
            send.send(true).unwrap();
            std::future::pending::<()>().await;
            drop(guard);
            Ok(())
        };
        let stopped = runtime.block_on(unless_stopped(stop, measuring)).unwrap_err();
        assert_eq!((stopped.code.as_str(), std::sync::Arc::strong_count(&held)), ("bench.stopped", 1));
    }

    #[test]
    fn spans_are_read_and_nonsense_is_not() {
        assert_eq!(span("150ms"), Ok(Duration::from_millis(150)));
        assert_eq!(span("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(span("1.5s"), Ok(Duration::from_millis(1_500)));
        for bad in ["", "s", "ms", "150", "-1s", "1h", "99999s", "NaNs", "infs"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
