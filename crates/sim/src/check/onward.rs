//! Judging what was passed on: who holds what was named by its originator (I10), and what its originator said later
//! reached every copy (I9). Read from what crossed the wire and from the stores; consents and copies as nodes keep them are
//! not looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use super::eye::{self, Said, sha256};
use crate::history::{Deserves, History, InEnd, NodeEnd, Readable, Record};

const REPORT: u8 = 0;
const CORRECTION: u8 = 1;
const ORDER: u8 = 2;
const STEP: u8 = 7;
const HOP: u8 = 8;
/// A token that ends before this opens nothing, whatever any clock says. 2000-01-01, ms.
const LONG_OVER: i64 = 946_684_800_000;

/// Originator, object, version, and who may hold it.
type Named = BTreeSet<(String, [u8; 16], u32, String)>;

/// What crossed the wire.
#[derive(Default)]
struct Wire {
    named: Named,
    /// Envelopes that take a consent back, by their hash: originator and consent.
    revocations: BTreeMap<[u8; 32], (String, [u8; 16])>,
    /// Envelopes that use one.
    uses: BTreeMap<[u8; 32], (String, [u8; 16])>,
}

impl Wire {
    fn read(history: &History) -> Self {
        let (mut wire, mut known) = (Self::default(), BTreeSet::new());
        for (_, record) in &history.records {
            // An envelope that is sent again is the same bytes, and its first 32 are its signature.
            if let Record::Sent { bytes, .. } = record
                && bytes.get(..32).is_some_and(|signature| known.insert(signature))
            {
                wire.letter(bytes);
            }
        }
        wire
    }

    fn letter(&mut self, bytes: &[u8]) -> Option<()> {
        let (kind, sealed) = eye::letter(bytes)?;
        if !matches!(kind, REPORT | CORRECTION | STEP | HOP) {
            return None;
        }
        let seal = eye::seal(sealed)?;
        match kind {
            REPORT | CORRECTION => {
                let named = |party| (seal.originator.clone(), seal.object, seal.version, party);
                self.named.extend(seal.recipients.into_iter().map(named));
            }
            HOP => {
                let token = eye::token(eye::hop(seal.content)?.0)?;
                self.uses.insert(sha256(bytes), (token.originator, token.consent));
            }
            _step => match eye::said(seal.content)? {
                Said::Granted(token) => {
                    let token = eye::token(token).filter(|token| token.use_by > LONG_OVER)?;
                    self.named.insert((token.originator, token.object, token.version, token.to));
                }
                Said::Revoked(consent) => {
                    self.revocations.insert(sha256(bytes), (seal.originator, consent));
                }
                Said::Back(..) | Said::Ends(..) | Said::Superseded(..) => {}
            },
        }
        Some(())
    }
}

pub(super) fn check(history: &History, honest: &BTreeSet<&str>, report: &mut Report) {
    let wire = Wire::read(history);
    held(history, &wire.named, report);
    revoked(history, &wire, honest, report);
    let ends: BTreeMap<&str, &NodeEnd> = history.ends.iter().map(|end| (end.name.as_str(), end)).collect();
    let fair = |name: &str| ends.get(name).copied().filter(|end| end.honest && !end.restored);
    let said: BTreeMap<&str, Heard<'_>> =
        history.ends.iter().filter(|end| end.honest).map(|end| (end.name.as_str(), heard(end))).collect();
    for end in history.ends.iter().filter(|end| end.honest) {
        for copy in copies(end, report) {
            let kept = end.readable.iter().find(|held| copy.is(held));
            // Who lost rows may have lost to whom it passed something on: its originator lists that as not proven.
            let (Some(kept), Some(by)) = (kept, fair(&copy.by)) else { continue };
            let words = said.get(by.name.as_str()).zip(said.get(end.name.as_str()));
            let Some(words) = words else { continue };
            followed(end, (&copy, kept), words, fair(&copy.originator).is_some(), report);
        }
    }
}

/// Whoever holds a version was named for it.
fn held(history: &History, named: &Named, report: &mut Report) {
    for end in history.ends.iter().filter(|end| end.honest) {
        for held in &end.readable {
            let who = (held.originator.clone(), held.object, held.version, end.name.clone());
            report.expect(named.contains(&who), "I10", || {
                format!("{} holds v{} of {} and was not named", end.name, held.version, held.originator)
            });
        }
    }
}

/// Who took that a consent was taken back uses it no more.
fn revoked(history: &History, wire: &Wire, honest: &BTreeSet<&str>, report: &mut Report) {
    let restored: BTreeSet<&str> =
        history.ends.iter().filter(|end| end.restored).map(|end| end.name.as_str()).collect();
    let fair = |name: &str| honest.contains(name) && !restored.contains(name);
    let mut revoked = BTreeSet::new();
    for (_, record) in &history.records {
        match record {
            Record::Taken { lane, envelope, .. } if fair(&lane.to) => {
                let taken_back = wire.revocations.get(envelope).filter(|(from, _)| *from == lane.from);
                revoked.extend(taken_back.map(|what| (lane.to.clone(), what.clone())));
            }
            Record::Queued { lane, envelope, deserves: Deserves::Any, .. } if fair(&lane.from) => {
                let used = wire.uses.get(envelope).map(|what| (lane.from.clone(), what.clone()));
                let wrong = used.is_some_and(|used| revoked.contains(&used));
                report.expect(!wrong, "I10", || format!("{} used what was taken back", lane.from));
            }
            Record::Queued { .. }
            | Record::Sent { .. }
            | Record::Arrived { .. }
            | Record::Taken { .. }
            | Record::Applied { .. }
            | Record::TakenBack { .. }
            | Record::Receipted { .. }
            | Record::Announced { .. }
            | Record::Shown { .. }
            | Record::Note(_) => {}
        }
    }
}

/// A copy that a node accepted from a third party.
struct Copy {
    originator: String,
    object: [u8; 16],
    version: u32,
    by: String,
    consent: [u8; 16],
}

impl Copy {
    fn is(&self, held: &Readable) -> bool {
        held.originator == self.originator && held.object == self.object && held.version == self.version
    }
}

/// What a node accepted from third parties: each under a token for exactly that, and each token once.
fn copies(end: &NodeEnd, report: &mut Report) -> Vec<Copy> {
    let (mut copies, mut used) = (Vec::new(), BTreeSet::new());
    for row in end.inbox.iter().filter(|row| row.verdict == "accepted") {
        let Some((HOP, sealed)) = eye::letter(&row.bytes) else { continue };
        let copy = consented(end, row, sealed);
        let once = copy.as_ref().is_none_or(|copy| used.insert((copy.originator.clone(), copy.consent)));
        report.expect(once, "I10", || format!("{} took two copies by one consent", end.name));
        report.expect(copy.is_some(), "I10", || {
            format!("{} took what nobody consented to: {:?} {:?}", end.name, row.lane, row.at)
        });
        copies.extend(copy);
    }
    copies
}

fn consented(end: &NodeEnd, row: &InEnd, sealed: &[u8]) -> Option<Copy> {
    let outer = eye::seal(sealed).filter(|outer| outer.originator == row.lane.from)?;
    let (token, inner) = eye::hop(outer.content)?;
    let (token, seal) = (eye::token(token)?, eye::seal(inner)?);
    let same = token.originator == seal.originator
        && (token.object, token.version) == (seal.object, seal.version)
        && token.content == sha256(seal.content)
        && token.use_by > LONG_OVER;
    let way = token.by == row.lane.from && token.to == end.name && seal.recipients.contains(&token.by);
    (same && way).then_some(Copy {
        originator: token.originator,
        object: token.object,
        version: token.version,
        by: token.by,
        consent: token.consent,
    })
}

/// Everything originators said to a node, in the order it was taken, each with its originator.
type Heard<'a> = Vec<(String, Said<'a>)>;

fn heard(end: &NodeEnd) -> Heard<'_> {
    let mut heard = Vec::new();
    for row in end.inbox.iter().filter(|row| row.lane.class == 0 && row.verdict == "accepted") {
        let Some((ORDER | STEP, sealed)) = eye::letter(&row.bytes) else { continue };
        let seal = eye::seal(sealed).filter(|seal| seal.originator == row.lane.from);
        heard.extend(seal.and_then(|seal| Some((seal.originator, eye::said(seal.content)?))));
    }
    heard
}

/// What who passed it on was told reached the copy.
fn followed(
    end: &NodeEnd,
    (copy, kept): (&Copy, &Readable),
    (by, own): (&Heard<'_>, &Heard<'_>),
    corrects: bool,
    report: &mut Report,
) {
    let mut last_day = None;
    for (_, said) in by.iter().filter(|(from, _)| *from == copy.originator) {
        let gone = match said {
            Said::Back(object, only) => {
                *object == copy.object && (only.is_empty() || only.contains(&copy.version))
            }
            Said::Revoked(consent) => *consent == copy.consent,
            // Told before the copy went, it is told again once its originator hears of the copy.
            Said::Superseded(object, version) => {
                corrects && *object == copy.object && *version > copy.version
            }
            Said::Ends(object, day) => {
                if *object == copy.object {
                    last_day = Some(*day);
                }
                false
            }
            Said::Granted(_) => false,
        };
        report.expect(!gone, "I9", || {
            format!("{} still shows v{} of {}, by {}", end.name, copy.version, copy.originator, copy.by)
        });
    }
    // Told by the originator itself too, the last word it took counts.
    let direct = own.iter().any(|(from, said)| {
        *from == copy.originator && matches!(said, Said::Ends(object, _) if *object == copy.object)
    });
    let ends = direct || last_day.is_none_or(|day| kept.last_day <= day);
    report.expect(ends, "I9", || {
        format!("{} keeps v{} of {} beyond its last day", end.name, copy.version, copy.originator)
    });
}
