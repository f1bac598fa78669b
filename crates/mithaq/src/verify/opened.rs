//! What a private check asked, against what a log says: the oversight body of either side, with the opening that the asking
//! side's gave it.

use std::path::Path;

use mithaq_check::{Opened, Proven};
use mithaq_evidence::Line;
use mithaq_model::ObjectId;
use serde_json::{Value as Json, json};

use super::words::{self as w, fill};
use crate::ui::{Exit, Failure, Ui};

/// An opening that holds, and the entries that hold it.
pub(super) struct Found {
    check: ObjectId,
    opened: Opened,
    proven: Proven,
    entries: Vec<u64>,
}

/// Reads an opening and compares it with every entry of its check.
pub(super) fn compare(path: &Path, lines: &[Line]) -> Result<Found, Failure> {
    let opened = Opened::from_bytes(&super::read(path)?).map_err(|error| {
        Failure::new(Exit::Usage, "verify.opening", format!("`{}` opens no check: {error}", path.display()))
            .hint("`mithaq check opening O-… --reason \"…\" --output FILE` writes it")
    })?;
    let check = ObjectId::new(opened.request.check);
    let proven = opened.proven().map_err(|mismatch| {
        let text = format!("the opening of {check} is not that of its request: {mismatch}");
        differs(text)
    })?;
    let entries = entries(check, &proven, lines)?;
    Ok(Found { check, opened, proven, entries })
}

/// The entries of a check that commit to what was opened; none that commits to anything else.
fn entries(check: ObjectId, proven: &Proven, lines: &[Line]) -> Result<Vec<u64>, Failure> {
    let number = check.to_string();
    let (mut found, mut requests) = (Vec::new(), 0_u32);
    for line in lines {
        let [kind, _, object, ..] = &line.words;
        let hash = match kind.as_str() {
            "check.asked" | "check.received" => &proven.commitment,
            "check.sent" | "check.resumed" | "check.evaluated" | "check.refused" => &proven.digest,
            _another => continue,
        };
        if *object != number {
            continue;
        }
        if line.commitment.is_none_or(|committed| committed.as_bytes() != hash) {
            return Err(differs(format!(
                "entry {} ({kind}) commits to something else than the opening",
                line.index
            )));
        }
        requests += u32::from(hash == &proven.digest);
        found.push(line.index);
    }
    if requests == 0 {
        let text = format!("the bundle holds no entry about the request of {check}");
        return Err(Failure::new(Exit::NotVerified, "verify.opening_absent", text).hint(
            "ask for an export of the time of the check, or a complete one: `mithaq evidence export --all`",
        ));
    }
    Ok(found)
}

fn differs(text: String) -> Failure {
    Failure::new(Exit::NotVerified, "verify.opening_differs", text)
        .hint("something else was asked than was logged or shown to you: a matter for both oversight bodies")
}

impl Found {
    /// Returns a sentence for people.
    pub(super) fn line(&self, ui: Ui) -> String {
        let entries = self.entries.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let asked = self.proven.queries.saturating_sub(self.proven.dummies);
        let values: [(&str, &dyn core::fmt::Display); 7] = [
            ("check", &self.check),
            ("entries", &entries),
            ("asking", &self.opened.request.asking),
            ("asked", &self.opened.request.asked),
            ("tokens", &asked),
            ("subjects", &self.opened.request.subjects),
            ("dummies", &self.proven.dummies),
        ];
        format!("  • {}", fill(ui.words(&w::CHECK_OPENED), &values))
    }

    /// Returns it for programs, with the tokens one by one: `mithaq check tokens explain` names those of a person.
    pub(super) fn json(&self) -> Json {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let (request, opening) = (&self.opened.request, &self.opened.opening);
        let tokens = opening.keys.iter().filter(|key| !opening.is_dummy(key)).map(|key| hex(key));
        json!({
            "check": self.check.to_string(),
            "entries": self.entries,
            "asking": request.asking.as_str(),
            "asked": request.asked.as_str(),
            "purpose": request.purpose.code(),
            "class": request.class.code(),
            "subjects": request.subjects,
            "created": request.created.to_string(),
            "commitment": hex(&self.proven.commitment),
            "request": hex(&self.proven.digest),
            "queries": self.proven.queries,
            "fillings": self.proven.dummies,
            "tokens": tokens.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mithaq_ledger::Hash;
    use mithaq_model::Timestamp;

    const CHECK: ObjectId = ObjectId::new([7; 16]);
    const PROVEN: Proven = Proven { commitment: [1; 32], digest: [2; 32], queries: 8, dummies: 3 };

    fn line(index: u64, kind: &str, check: ObjectId, commitment: Option<[u8; 32]>) -> Line {
        let words = [kind, "system", &check.to_string(), "es-police", ""].map(str::to_owned);
        Line { index, at: Timestamp::from_millis(0), words, commitment: commitment.map(Hash::new) }
    }

    #[test]
    fn every_entry_of_the_check_must_commit_to_what_was_opened() {
        let good = [
            line(3, "check.received", CHECK, Some([1; 32])),
            line(4, "check.evaluated", CHECK, Some([2; 32])),
            line(5, "check.evaluated", ObjectId::new([8; 16]), Some([9; 32])),
            line(6, "check.possible_hit", CHECK, None),
        ];
        assert_eq!(entries(CHECK, &PROVEN, &good).unwrap(), [3, 4]);
        for wrong in [Some([2; 32]), None] {
            let lines = [good[1].clone(), line(9, "check.asked", CHECK, wrong)];
            assert_eq!(entries(CHECK, &PROVEN, &lines).unwrap_err().code, "verify.opening_differs");
        }
        let lines = [line(9, "check.evaluated", CHECK, Some([1; 32]))];
        assert_eq!(entries(CHECK, &PROVEN, &lines).unwrap_err().code, "verify.opening_differs");
        // A log that only says that something came shows nothing of the request.
        for lines in [&good[..1], &[]] {
            assert_eq!(entries(CHECK, &PROVEN, lines).unwrap_err().code, "verify.opening_absent");
        }
    }
}
