//! `mithaq demo`: three nodes on one machine, their agreements, and an exchange told line by line. Real nodes as
//! processes of their own, real agreements, invented persons.

mod check;
mod loss;
mod plan;
mod question;
mod story;
mod words;

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use mithaq_node::stop_on_signal;
use serde_json::json;

use crate::fleet::{Fleet, Spec};
use crate::ui::{Exit, Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Tell nothing, only whether the whole story holds (exit code)
    #[arg(long, conflicts_with = "keep")]
    check: bool,
    /// Add a chapter: the first node is backed up, exchanges on, is lost, and is restored from the old copy
    #[arg(long)]
    loss: bool,
    /// Leave the nodes running and print how to reach them; end with Ctrl-C or SIGTERM
    #[arg(long)]
    keep: bool,
    /// Load the UN Security Council consolidated list (XML) into the first node before the story
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Put the nodes here instead of a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// The agencies, by function.
const PARTIES: [(&str, &str); 3] = [("ma-security", "MA"), ("es-police", "ES"), ("ci-judiciary", "CI")];

pub(crate) fn run(args: &DemoArgs, ui: Ui) -> Result<(), Failure> {
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let mut stop = stop_on_signal();
        let teller = words::Teller::new(Ui { quiet: ui.quiet || args.check, ..ui });
        // A story that is dropped takes its nodes with it: they do not outlive the demonstration.
        let (mut world, summary) = tokio::select! {
            told = tell(args, &teller) => told?,
            () = asked_to_end(&mut stop) => {
                return Err(Failure::new(Exit::Failed, "demo.stopped", "the demonstration was stopped")
                    .hint("its nodes are stopped too; start it again with `mithaq demo`"));
            }
        };
        teller.done(started.elapsed());
        if args.keep {
            // With `--json` this is the document: who reads it wants to reach the nodes before they end.
            introduce(&world, summary, ui)?;
            asked_to_end(&mut stop).await;
        } else if ui.json {
            ui.result(&summary, &[])?;
        }
        world.kill_all();
        Ok(())
    })
}

/// Waits for Ctrl-C or the signal that ends a service.
async fn asked_to_end(stop: &mut tokio::sync::watch::Receiver<bool>) {
    // An error means that nobody can ask any more.
    let _asked = stop.wait_for(|stopped| *stopped).await;
}

/// Makes the nodes and tells the story.
async fn tell(args: &DemoArgs, teller: &words::Teller) -> Result<(Fleet, serde_json::Value), Failure> {
    teller.say(&words::MAKE);
    let specs = PARTIES.iter().map(|(party, state)| Spec::new(party, state));
    // What travels is recorded: an attacker gets it later.
    let specs = specs.map(|spec| spec.map(Spec::recorded));
    let specs = specs.collect::<Result<Vec<_>, _>>()?;
    let mut world = Fleet::make("demo", args.dir.as_deref(), &specs, teller.lang())?;
    teller.say(&words::START);
    world.start_all().await?;
    agree(&mut world, teller).await?;
    let mut told = story::tell(&mut world, args.list.as_deref(), teller).await;
    if args.loss && told.is_ok() {
        told = loss::tell(&mut world, teller).await;
    }
    if told.is_err() {
        world.show_logs();
    }
    Ok((world, told?))
}

/// Each pair comes under an agreement.
async fn agree(world: &mut Fleet, teller: &words::Teller) -> Result<(), Failure> {
    teller.say(&words::AGREE);
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        // Evidence counts only when the partner has countersigned the log.
        let edited = |text: String| {
            check::provided(&text.replacen("[oversight]\n", "[oversight]\ncountersignatures = 1\n", 1))
        };
        let id = world.agree((one, other), edited).await?;
        let shown: String = id.to_string().chars().take(15).collect();
        teller.shows(&format!("{} — {}  {shown}…", world.node(one)?.party, world.node(other)?.party));
    }
    Ok(())
}

/// How to reach what goes on running, beside what the story came to.
fn introduce(world: &Fleet, mut summary: serde_json::Value, ui: Ui) -> Result<(), Failure> {
    let mut lines = Vec::new();
    let mut all = Vec::new();
    for node in world.nodes() {
        lines.push(format!("{}  http://{}  {}", node.party, node.address, node.directory.display()));
        for (officer, token) in &node.tokens {
            lines.push(format!("    {officer:<11} MITHAQ_NODE=http://{} MITHAQ_TOKEN={token}", node.address));
        }
        all.push(json!({ "party": node.party.as_str(), "url": format!("http://{}", node.address),
            "directory": node.directory, "tokens": node.tokens }));
    }
    if let Some(fields) = summary.as_object_mut() {
        fields.insert("nodes".to_owned(), json!(all));
    }
    ui.result(&summary, &lines)
}
