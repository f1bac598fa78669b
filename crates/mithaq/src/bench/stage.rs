//! Two nodes under an agreement with reports ready to be released: what most measurements begin with.

use std::path::Path;

use super::goods::{self, Order};
use crate::fleet::{Fleet, Spec};
use crate::ui::Failure;

/// The running nodes.
pub(super) struct Stage {
    pub(super) fleet: Fleet,
    /// Case of the first node.
    pub(super) case: String,
    /// Reports of the first node to the second, ready to be released.
    pub(super) ready: Vec<String>,
}

impl Stage {
    /// Makes and starts both; `text` bytes of text in each report.
    pub(super) async fn pair(directory: Option<&Path>, reports: usize, text: usize) -> Result<Self, Failure> {
        let specs = [Spec::new("ma-security", "MA")?, Spec::new("es-police", "ES")?];
        Self::of(directory, &specs, reports, text).await
    }

    /// The same with nodes as given.
    pub(super) async fn of(
        directory: Option<&Path>,
        specs: &[Spec],
        reports: usize,
        text: usize,
    ) -> Result<Self, Failure> {
        let mut fleet = Fleet::make("bench", directory, specs, "en")?;
        fleet.start_all().await?;
        for other in 1..specs.len() {
            fleet.agree((0, other), no_budget).await?;
        }
        let case = fleet.open_case(0).await?;
        let subject = fleet.write_subject(0, &case).await?;
        fleet.kill(0);
        let mut ready = Vec::new();
        for to in 1..specs.len() {
            let order = Order { from: 0, to, case: &case, subject: &subject, count: reports, text };
            ready.extend(tokio::task::block_in_place(|| goods::write(&fleet, &order))?);
        }
        fleet.start(0)?;
        fleet.wait_ready(0).await?;
        Ok(Self { fleet, case, ready })
    }
}

/// Budgets are agreed limits, not what is measured.
pub(super) fn no_budget(text: String) -> String {
    text.replace("reports_per_day = 1000", "reports_per_day = 100000000")
        .replace("bytes_per_day = 268435456", "bytes_per_day = 1000000000000")
}
