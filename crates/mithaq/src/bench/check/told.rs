//! What a run says at its end: what it was, what the judge looked at, and what did not hold.

use serde_json::{Value as Json, json};

use super::Verdict;
use crate::ui::{Exit, Failure, Ui};

/// Most broken promises that are told one by one; the summary has all of them.
const ONE_BY_ONE: usize = 20;

/// A run that was judged.
pub(in crate::bench) struct Run {
    /// What it was, as fields of the summary.
    pub(in crate::bench) fields: Json,
    /// The same, for people.
    pub(in crate::bench) lines: Vec<String>,
    pub(in crate::bench) seed: u64,
    /// The code of its failure when a promise was broken, and what to do then.
    pub(in crate::bench) code: &'static str,
    pub(in crate::bench) hint: String,
}

impl Verdict {
    /// Tells what a run was and what was found.
    ///
    /// # Errors
    /// When a promise was broken.
    pub(in crate::bench) fn tell(&self, run: Run, ui: Ui) -> Result<(), Failure> {
        for line in self.broken.iter().take(ONE_BY_ONE) {
            ui.say(&format!("BROKEN {line}"));
        }
        let mut lines = run.lines;
        lines.push(format!("judged: {}", self.looked_at()));
        lines.push(format!("broken promises: {}", self.broken.len()));
        let held = if self.broken.is_empty() {
            Ok(())
        } else {
            let text = format!("{} promises were broken with seed {}", self.broken.len(), run.seed);
            Err(Failure::new(Exit::NotVerified, run.code, text).hint(run.hint))
        };
        ui.judged(self.summary(run.fields, run.seed), &lines, held)
    }

    /// How much was looked at, in words.
    fn looked_at(&self) -> String {
        let Self { broken: _, envelopes, receipts, entries, checkpoints, erased, requests, files } = self;
        format!(
            "{envelopes} envelopes, {receipts} receipts, {entries} ledger entries, {checkpoints} checkpoints, {erased} erasures, {requests} requests, {files} attachments"
        )
    }

    fn summary(&self, mut fields: Json, seed: u64) -> Json {
        let found = json!({ "seed": seed, "envelopes": self.envelopes, "receipts": self.receipts,
            "entries": self.entries, "checkpoints": self.checkpoints, "erased": self.erased,
            "requests": self.requests, "files": self.files, "broken": self.broken });
        if let (Json::Object(all), Json::Object(found)) = (&mut fields, found) {
            all.extend(found);
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_a_run_has_what_it_was_and_everything_that_did_not_hold() {
        let broken: Vec<_> = (0..=ONE_BY_ONE).map(|number| format!("I1 {number}")).collect();
        let verdict = Verdict { broken: broken.clone(), envelopes: 3, files: 2, ..Verdict::default() };
        let summary = verdict.summary(json!({ "reports": 7 }), 11);
        assert_eq!(summary["broken"], json!(broken));
        assert_eq!((&summary["reports"], &summary["envelopes"]), (&json!(7), &json!(3)));
        assert_eq!((&summary["files"], &summary["seed"]), (&json!(2), &json!(11)));
        assert!(verdict.looked_at().starts_with("3 envelopes, 0 receipts,"));
    }
}
