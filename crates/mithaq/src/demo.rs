//! `mithaq demo`: three nodes on one machine, their agreements, and an exchange told line by line. Real nodes as
//! processes of their own, real agreements, invented persons.

mod story;
mod words;
mod world;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use crate::ui::{Failure, Ui};

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Tell nothing, only whether the whole story holds (exit code)
    #[arg(long, conflicts_with = "keep")]
    check: bool,
    /// Leave the nodes running and print how to reach them; end with Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Load the UN Security Council consolidated list (XML) into the first node before the story
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Put the nodes here instead of a temporary directory; it must not exist
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// Longest wait for one thing to arrive.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn run(args: &DemoArgs, ui: Ui) -> Result<(), Failure> {
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let teller = words::Teller::new(Ui { quiet: ui.quiet || args.check, ..ui });
        let mut world = world::World::make(args.dir.as_deref(), &teller)?;
        world.start_all(&teller).await?;
        world.agree(&teller).await?;
        let told = story::tell(&mut world, args.list.as_deref(), &teller).await;
        if told.is_err() {
            world.show_logs();
        }
        let summary = told?;
        teller.done(started.elapsed());
        if args.keep {
            world.introduce(ui)?;
            let _asked_to_end = tokio::signal::ctrl_c().await;
        }
        world.stop_all();
        if ui.json {
            ui.result(&summary, &[])?;
        }
        Ok(())
    })
}
